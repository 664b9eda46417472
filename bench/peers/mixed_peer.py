"""Small files of several types. Writes one Parquet file per type and symbol, unique and sorted by key. argv[3]: polars, duckdb or pandas."""
import io, os, tempfile, zipfile
import sys
from collections import defaultdict
from common import measure

KEYS = {'klines': ['open_time'], 'trades': ['id'], 'aggTrades': ['agg_trade_id'], 'metrics': ['create_time'], 'bookDepth': ['timestamp', 'percentage']}


def groups(root):
    found = defaultdict(list)
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            if name.endswith('.zip'):
                kind = next(part for part in folder.split(os.sep) if part in KEYS)
                found[kind, name.split('-', 1)[0]].append(os.path.join(folder, name))
    return sorted(found.items())


def work(root, out):
    how = sys.argv[3]
    rows = csv = 0
    for (kind, symbol), paths in groups(root):
        texts = []
        for path in paths:
            with zipfile.ZipFile(path) as archive:
                texts.append(archive.read(archive.namelist()[0]))
        csv += sum(map(len, texts))
        keys, target = KEYS[kind], f'{out}/{kind}-{symbol}.parquet'
        if how == 'polars':
            import polars as pl
            frame = pl.concat([pl.read_csv(text) for text in texts], how='vertical_relaxed').with_columns(pl.lit(symbol).alias('symbol'))
            frame = frame.unique(subset=keys, keep='first').sort(keys)
            frame.write_parquet(target, compression='zstd', row_group_size=122_880)
            rows += frame.height
        elif how == 'duckdb':
            import duckdb
            with tempfile.TemporaryDirectory() as folder:
                for index, text in enumerate(texts):
                    with open(f'{folder}/{index:05}.csv', 'wb') as file:
                        file.write(text)
                query = f"SELECT DISTINCT ON ({', '.join(keys)}) '{symbol}' AS symbol, * FROM read_csv('{folder}/*.csv') ORDER BY {', '.join(keys)}"
                rows += duckdb.connect().execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
        else:
            import pandas as pd
            frame = pd.concat([pd.read_csv(io.BytesIO(text)) for text in texts]).drop_duplicates(keys).sort_values(keys)
            frame['symbol'] = symbol
            frame.to_parquet(target, compression='zstd', index=False)
            rows += len(frame)
    return rows, csv


measure(work)
