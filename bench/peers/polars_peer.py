"""Polars. argv[3]: unique (drops repeated times and sorts) or proved (only checks that times ascend)."""
import sys
import polars as pl
from common import COLUMNS, measure, months, unzip

INTEGERS = ('open_time', 'close_time', 'count')
SCHEMA = {name: pl.Int64 if name in INTEGERS else pl.Float64 for name in COLUMNS}


def work(root, out):
    rows = csv = 0
    for month, symbols in months(root).items():
        frames = []
        for symbol, paths in symbols.items():
            data = b''.join(unzip(path) for path in paths)
            csv += len(data)
            frame = pl.read_csv(data, has_header=False, schema=SCHEMA).drop('ignore').select(
                pl.lit(symbol).alias('symbol'), (pl.col('open_time') * 1000).cast(pl.Datetime('us', 'UTC')), pl.col('open'), pl.col('high'), pl.col('low'),
                pl.col('close'), pl.col('volume'), (pl.col('close_time') * 1000).cast(pl.Datetime('us', 'UTC')), pl.col('quote_volume'), pl.col('count'),
                pl.col('taker_buy_volume'), pl.col('taker_buy_quote_volume'))
            if sys.argv[3] == 'unique':
                frame = frame.unique(subset=['open_time'], keep='first').sort('open_time')
            else:
                assert frame['open_time'].is_sorted()
            frames.append(frame)
        whole = pl.concat(frames)
        whole.write_parquet(f'{out}/{month}.parquet', compression='zstd', row_group_size=122_880)
        rows += whole.height
    return rows, csv


measure(work)
