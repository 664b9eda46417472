import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { prepareReaders, READERS_PYTHON } from '../../scripts/readers.ts'
import { smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const TABLE = 'silver.binance_spot_klines_1m'

/** Reads every export with what its users read it with: count, first and last row of BTCUSDT. */
const READER = `
import io, json, sys, zipfile, glob
import pandas as pd, pyarrow.dataset as ds, pyarrow.feather as feather
root = sys.argv[1]
def told(frame): return [len(frame), float(frame["open"].iloc[0]), float(frame["close"].iloc[-1]), round(float(frame["volume"].sum()), 6)]
answer = {"pandas": told(pd.read_parquet(f"{root}/pandas/BTCUSDT-1m.parquet"))}
answer["hive"] = told(ds.dataset(f"{root}/hive", partitioning="hive").to_table(filter=ds.field("symbol") == "BTCUSDT").to_pandas().sort_values("open_time"))
frame = feather.read_feather(f"{root}/freqtrade/BTC_USDT-1m.feather")
answer["freqtrade"] = told(frame)
answer["freqtrade_types"] = [str(kind) for kind in frame.dtypes] + [str(frame["date"].iloc[0])]
days = []
for path in sorted(glob.glob(f"{root}/lean/crypto/binance/minute/btcusdt/*_trade.zip")):
    archive = zipfile.ZipFile(path)
    day = path.split("/")[-1][:8]
    assert archive.testzip() is None and archive.namelist() == [f"{day}_btcusdt_minute_trade.csv"]
    lines = pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0])), header=None, names=["ms", "open", "high", "low", "close", "volume"])
    assert lines["ms"].iloc[0] == 0 and lines["ms"].is_monotonic_increasing
    days.append(lines)
answer["lean"] = told(pd.concat(days))
import pyarrow.parquet as pq
[path] = glob.glob(f"{root}/nautilus/data/bar/BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL/*.parquet")
assert path.endswith("/2024-01-30T00-01-00-000000000Z_2024-02-02T00-00-00-000000000Z.parquet"), path
catalog = pq.read_table(path)
assert catalog.schema.metadata[b"bar_type"] == b"BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL" and catalog.schema.metadata[b"price_precision"] == b"2"
assert catalog["ts_event"][0].as_py() == 1706572860000000000 and catalog["ts_init"].type == "uint64"
fixed = lambda name: [int.from_bytes(value.as_py().bytes if hasattr(value.as_py(), "bytes") else value.as_py(), "little") / 1e16 for value in catalog[name]]
answer["nautilus"] = told(pd.DataFrame({name: fixed(name) for name in ["open", "close", "volume"]}))
print(json.dumps(answer))
`

before(prepareReaders)

test('every export has the format of its readers and the bars of the table', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'), { days: 3, tradesPerDay: 300 })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  for (const tool of ['pandas', 'hive', 'freqtrade', 'nautilus', 'lean'])
    await lakehouse.withGold(false, (gold) => gold.exportBars(TABLE, tool, join(folder, tool), { symbols: '*', range: undefined }))
  const { stdout } = await promisify(execFile)(READERS_PYTHON, ['-c', READER, folder])
  const { freqtrade_types: types, ...answers } = JSON.parse(stdout) as Record<string, unknown[]>
  const [row] = await lakehouse.select(
    `SELECT count(*)::INTEGER AS n, arg_min(open, open_time) AS open, arg_max(close, open_time) AS close, round(fsum(volume), 6) AS volume FROM ${TABLE} WHERE symbol = 'BTCUSDT'`,
  )
  for (const [tool, answer] of Object.entries(answers)) assert.deepEqual(answer, Object.values(row ?? {}), tool)
  assert.match(String(types?.[0]), /datetime64\[ms, UTC\]/)
  assert.equal(types?.at(-1), '2024-01-30 00:00:00+00:00')
  await assert.rejects(
    lakehouse.withGold(false, (gold) => gold.exportBars(TABLE, 'excel', join(folder, 'no'), { symbols: '*', range: undefined })),
    { code: 'USAGE' },
  )
  await assert.rejects(
    lakehouse.withGold(false, (gold) =>
      gold.exportBars('gold.binance_spot_bars_5m', 'lean', join(folder, 'no'), { symbols: '*', range: undefined }),
    ),
    { code: 'USAGE', message: /Lean does not support 5m bars/ },
  )
})

test('a training set has no leaks between folds, and its manifest builds it again', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'), { days: 3, tradesPerDay: 300 })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  const out = join(folder, 'set')
  const args = [
    'export',
    TABLE,
    '--as',
    'training',
    '--features',
    'rsi(14), sma(20)',
    '--horizon',
    '30',
    '--folds',
    '4',
    '--embargo',
    '60',
    '--output',
    out,
    '--lake',
    join(folder, 'lake'),
  ]
  assert.equal((await cli(args, { cwd: folder })).code, 0)
  const script = `
import json, sys
import numpy as np, pandas as pd
rows = pd.read_parquet(sys.argv[1])
bars = pd.read_parquet(sys.argv[2]).set_index(["symbol", "open_time"])["close"]
minute = pd.Timedelta(minutes=1)
later = bars.loc[list(zip(rows["symbol"], rows["label_end"]))].to_numpy()
now = bars.loc[list(zip(rows["symbol"], rows["open_time"]))].to_numpy()
leaks = 0
for fold in range(4):
    test, train = rows[rows["fold"] == fold], rows[rows[f"train_{fold}"]]
    begin, end = test["open_time"].min(), test["open_time"].max()
    before = train[train["open_time"] < begin]
    after = train[train["open_time"] >= begin]
    leaks += int((before["label_end"] >= begin).sum() + (after["open_time"] <= end + 60 * minute).sum())
print(json.dumps({
    "rows": len(rows), "error": float(np.abs(np.log(later / now) - rows["label"]).max()), "horizon": bool(((rows["label_end"] - rows["open_time"]) == 30 * minute).all()),
    "leaks": leaks, "folds": sorted(int(one) for one in rows["fold"].unique()), "trains": bool(all(rows[f"train_{fold}"].sum() > len(rows) / 2 for fold in range(4))), "nulls": int(rows.isna().sum().sum()),
}))
`
  await lakehouse.withGold(false, (gold) => gold.exportBars(TABLE, 'pandas', join(folder, 'bars'), { symbols: '*', range: undefined }))
  await promisify(execFile)(READERS_PYTHON, [
    '-c',
    `import pandas as pd, glob, sys; pd.concat(pd.read_parquet(one) for one in glob.glob(sys.argv[1] + '/*.parquet')).to_parquet(sys.argv[2])`,
    join(folder, 'bars'),
    join(folder, 'all.parquet'),
  ])
  const { stdout } = await promisify(execFile)(READERS_PYTHON, ['-c', script, join(out, 'features.parquet'), join(folder, 'all.parquet')])
  assert.deepEqual(
    { ...JSON.parse(stdout), error: 0 },
    { rows: 2 * (3 * 1440 - 19 - 30), error: 0, horizon: true, leaks: 0, folds: [0, 1, 2, 3], trains: true, nulls: 0 },
  )
  assert.ok(JSON.parse(stdout).error < 1e-12)
  // The lake goes on; the manifest tells of the state of then.
  await smallArchive(join(folder, 'archive'), { days: 4, tradesPerDay: 300 })
  await ingestKlines(lakehouse)
  const again = ['export', '--manifest', join(out, 'manifest.json'), '--output', join(folder, 'again'), '--lake', join(folder, 'lake')]
  const repeated = await cli(again, { cwd: folder })
  assert.match(repeated.out, /identical byte for byte/, repeated.err)
  assert.deepEqual(await readFile(join(folder, 'again', 'features.parquet')), await readFile(join(out, 'features.parquet')))
  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as Record<string, unknown>
  await writeFile(join(out, 'manifest.json'), JSON.stringify({ ...manifest, horizon: 31 }))
  assert.match((await cli(again, { cwd: folder })).err, /CHECKSUM_MISMATCH/)
  await writeFile(join(out, 'manifest.json'), '{}')
  assert.equal((await cli(again, { cwd: folder })).code, 2)
})
