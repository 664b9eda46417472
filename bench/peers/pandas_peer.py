"""pandas: one read per file, drop_duplicates, sort_values, and the writer of pyarrow."""
import io
import pandas as pd
from common import COLUMNS, measure, months, unzip


def work(root, out):
    rows = csv = 0
    for month, symbols in months(root).items():
        frames = []
        for symbol, paths in symbols.items():
            parts = []
            for path in paths:
                data = unzip(path)
                csv += len(data)
                parts.append(pd.read_csv(io.BytesIO(data), header=None, names=COLUMNS))
            frame = pd.concat(parts).drop(columns='ignore').drop_duplicates('open_time').sort_values('open_time')
            for name in ('open_time', 'close_time'):
                frame[name] = pd.to_datetime(frame[name], unit='ms', utc=True)
            frame.insert(0, 'symbol', symbol)
            frames.append(frame)
        whole = pd.concat(frames)
        whole.to_parquet(f'{out}/{month}.parquet', compression='zstd', index=False)
        rows += len(whole)
    return rows, csv


measure(work)
