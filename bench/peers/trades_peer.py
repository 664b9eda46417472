"""One day of trades or aggregated trades; each file has a header. argv[3]: polars-unique, polars-proved, duckdb or pandas; argv[4]: the column with the number of a row."""
import io, os, tempfile, zipfile
import sys
from common import measure


def files(root):
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            if name.endswith('.zip'):
                with zipfile.ZipFile(os.path.join(folder, name)) as archive:
                    yield name.split('-', 1)[0], archive.read(archive.namelist()[0])


def work(root, out):
    how, number = sys.argv[3], sys.argv[4]
    rows = csv = 0
    for symbol, data in files(root):
        csv += len(data)
        time = 'transact_time' if number == 'agg_trade_id' else 'time'
        target = f'{out}/{symbol}.parquet'
        if how.startswith('polars'):
            import polars as pl
            frame = pl.read_csv(data).with_columns(pl.lit(symbol).alias('symbol'), (pl.col(time) * 1000).cast(pl.Datetime('us', 'UTC')))
            if how == 'polars-unique':
                frame = frame.unique(subset=[number], keep='first').sort(number)
            else:
                assert frame[number].is_sorted() and frame[number].n_unique() == frame.height
            frame.write_parquet(target, compression='zstd', row_group_size=122_880)
            rows += frame.height
        elif how == 'duckdb':
            import duckdb
            with tempfile.NamedTemporaryFile(suffix='.csv') as file:
                file.write(data)
                file.flush()
                query = f"SELECT DISTINCT ON ({number}) '{symbol}' AS symbol, * REPLACE (make_timestamptz({time} * 1000) AS {time}) FROM read_csv('{file.name}') ORDER BY {number}"
                rows += duckdb.connect().execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
        else:
            import pandas as pd
            frame = pd.read_csv(io.BytesIO(data)).drop_duplicates(number).sort_values(number)
            frame[time] = pd.to_datetime(frame[time], unit='ms', utc=True)
            frame.insert(0, 'symbol', symbol)
            frame.to_parquet(target, compression='zstd', index=False)
            rows += len(frame)
    return rows, csv


measure(work)
