"""Code that the peers share: finding and unzipping files, and measuring the whole process. Each peer writes one zstd Parquet file per month, with rows by symbol and time."""
import json, os, resource, sys, zipfile

COLUMNS = ['open_time', 'open', 'high', 'low', 'close', 'volume', 'close_time', 'quote_volume', 'count', 'taker_buy_volume', 'taker_buy_quote_volume', 'ignore']


def months(root):
    """{month: {symbol: [paths in order]}}"""
    found = {}
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            if name.endswith('.zip'):
                symbol, rest = name.split('-', 1)
                found.setdefault(rest[3:10], {}).setdefault(symbol, []).append(os.path.join(folder, name))
    return {month: {symbol: sorted(paths) for symbol, paths in sorted(symbols.items())} for month, symbols in sorted(found.items())}


def unzip(path):
    """The CSV without its header."""
    with zipfile.ZipFile(path) as archive:
        data = archive.read(archive.namelist()[0])
    return data if data[:1].isdigit() else data[data.index(b'\n') + 1:]


def measure(work):
    root, out = sys.argv[1], sys.argv[2]
    os.makedirs(out, exist_ok=True)
    rows, csv = work(root, out)
    used = resource.getrusage(resource.RUSAGE_SELF)
    json.dump({'cpuMs': (used.ru_utime + used.ru_stime) * 1000, 'peakRssBytes': used.ru_maxrss * 1024, 'rows': rows, 'csvBytes': csv}, sys.stdout)
