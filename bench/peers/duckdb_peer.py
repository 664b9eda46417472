"""Plain DuckDB: unzips to temporary files, then runs one statement per month with DISTINCT ON and ORDER BY."""
import os, tempfile
import duckdb
from common import COLUMNS, measure, months, unzip

TYPES = {name: 'BIGINT' if name in ('open_time', 'close_time', 'count') else 'DOUBLE' for name in COLUMNS}


def work(root, out):
    rows = csv = 0
    connection = duckdb.connect()
    for month, symbols in months(root).items():
        with tempfile.TemporaryDirectory() as folder:
            for symbol, paths in symbols.items():
                for number, path in enumerate(paths):
                    data = unzip(path)
                    csv += len(data)
                    with open(f'{folder}/{symbol}-{number}.csv', 'wb') as file:
                        file.write(data)
            query = f"""SELECT DISTINCT ON (symbol, open_time) * FROM (
                SELECT split_part(parse_filename(filename), '-', 1) AS symbol, make_timestamptz(open_time * 1000) AS open_time, open, high, low, close, volume,
                    make_timestamptz(close_time * 1000) AS close_time, quote_volume, count, taker_buy_volume, taker_buy_quote_volume
                FROM read_csv('{folder}/*.csv', header = false, columns = {TYPES}, filename = true)) ORDER BY symbol, open_time"""
            rows += connection.execute(f"COPY ({query}) TO '{out}/{month}.parquet' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
    return rows, csv


measure(work)
