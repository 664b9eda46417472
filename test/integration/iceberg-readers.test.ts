import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { icebergRead } from 'icebird'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import { loadTable, metadataKey } from '../../src/lake/iceberg/table.ts'
import { localStore } from '../../src/storage/local.ts'
import { monthlyKey, smallArchive } from '../support/archives.ts'
import { withFileFetch } from '../support/file-fetch.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

type Answer = {
  rows: number
  volume: number
  trades: number
  first: number
  last: number
  symbols: string[]
  filtered: number
  files: number
}

/** Counts, sums, bounds and a filtered read through pyiceberg. */
const PYICEBERG = `
import json, sys
from pyiceberg.table import StaticTable
table = StaticTable.from_metadata(sys.argv[1])
rows = table.scan().to_arrow()
where = "symbol = 'BTCUSDT' and open_time >= '2024-02-01T00:00:00+00:00'"
import pyarrow.compute as pc
json.dump({
    'rows': rows.num_rows, 'volume': pc.sum(rows['volume']).as_py(), 'trades': pc.sum(rows['trade_count']).as_py(),
    'first': pc.min(rows['open_time']).value // 1000, 'last': pc.max(rows['open_time']).value // 1000,
    'symbols': sorted(set(rows['symbol'].to_pylist())), 'filtered': table.scan(row_filter=where).to_arrow().num_rows,
    'files': len(list(table.scan(row_filter=where).plan_files())),
}, sys.stdout)
`

/** The same through DuckDB's iceberg extension. */
const DUCKDB = `
import duckdb, json, pathlib, sys, importlib.util
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
for name in ('avro', 'iceberg'):
    folder = pathlib.Path(importlib.util.find_spec('duckdb_extension_' + name).origin).parent
    con.load_extension(str(next(folder.rglob(name + '.duckdb_extension'))))
scan = f"iceberg_scan('{sys.argv[1]}')"
where = "symbol = 'BTCUSDT' AND open_time >= TIMESTAMPTZ '2024-02-01 00:00:00+00'"
rows, volume, trades, first, last = con.sql(f"SELECT count(*), sum(volume), sum(trade_count)::BIGINT, epoch_ms(min(open_time)), epoch_ms(max(open_time)) FROM {scan}").fetchone()
json.dump({
    'rows': rows, 'volume': volume, 'trades': trades, 'first': first, 'last': last,
    'symbols': [symbol for symbol, in con.sql(f"SELECT DISTINCT symbol FROM {scan} ORDER BY 1").fetchall()],
    'filtered': con.sql(f"SELECT count(*) FROM {scan} WHERE {where}").fetchone()[0], 'files': 0,
}, sys.stdout)
`

function ask(program: string, metadata: string): Answer {
  return JSON.parse(execFileSync(READERS_PYTHON, ['-c', program, metadata], { encoding: 'utf8' })) as Answer
}

test('pyiceberg, DuckDB and icebird read the same table as we do, after appending and after overwriting', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  const lake = join(folder, 'lake')
  const lakehouse = openLakehouse({ lake, archive })
  const range = { start: Date.UTC(2024, 0, 15) * 1000, end: Date.UTC(2024, 1, 4) * 1000 }
  const month = {
    start: Date.UTC(2024, 0, 1),
    days: 34,
    tradesPerDay: 300,
    symbols: ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'],
    periods: ['daily', 'monthly'] as const,
  }
  await smallArchive(archive, month)
  const steps = [
    () => ingestKlines(lakehouse, { symbols: ['BTCUSDT', 'XRPUSDT'], range }),
    () => ingestKlines(lakehouse, { symbols: ['ETHUSDT'], range }),
    () => ingestKlines(lakehouse),
  ]
  for (const [index, step] of steps.entries()) {
    await step()
    const store = localStore(lake)
    const table = await loadTable(store, 'silver/binance_spot_klines_1m')
    assert.ok(table !== undefined)
    const metadata = await store.files.open(metadataKey(table.root, table.version))
    const [ours] = await lakehouse.select(
      `SELECT count(*) AS rows, sum(volume) AS volume, sum(trade_count)::BIGINT AS trades, min(open_time) AS first, max(open_time) AS last FROM silver.binance_spot_klines_1m`,
    )
    const filtered = "FROM silver.binance_spot_klines_1m WHERE symbol = 'BTCUSDT' AND open_time >= '2024-02-01'"
    const [some] = await lakehouse.select(`SELECT count(*) AS n ${filtered}`)
    const plan = (await lakehouse.explain(`SELECT * ${filtered}`, undefined))[0]
    for (const [reader, program] of Object.entries({ pyiceberg: PYICEBERG, duckdb: DUCKDB })) {
      const theirs = ask(program, metadata)
      const where = `${reader} after step ${index + 1}`
      assert.equal(theirs.rows, Number(ours?.['rows']), where)
      assert.equal(theirs.trades, Number(ours?.['trades']), where)
      assert.ok(Math.abs(theirs.volume / Number(ours?.['volume']) - 1) < 1e-12, where)
      assert.deepEqual([theirs.first, theirs.last], [Number(ours?.['first']), Number(ours?.['last'])], where)
      assert.deepEqual(theirs.symbols, index === 0 ? ['BTCUSDT', 'XRPUSDT'] : ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'], where)
      assert.equal(theirs.filtered, Number(some?.['n']), where)
      if (reader === 'pyiceberg') assert.equal(theirs.files, plan?.filesRead, where)
    }
    const rows = await withFileFetch(() => icebergRead({ tableUrl: `${store.url}/${table.root}` }))
    assert.equal(rows.length, Number(ours?.['rows']))
    assert.equal(
      rows.reduce((sum, row) => sum + Number((row as { trade_count: bigint }).trade_count), 0),
      Number(ours?.['trades']),
    )
  }
})

test('the tables of bronze and gold are read by pyiceberg too', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
  await smallArchive(archive, {
    start: Date.UTC(2024, 0, 1),
    days: 31,
    tradesPerDay: 100,
    symbols: ['BTCUSDT'],
    periods: ['monthly'],
    defects: new Map([[monthlyKey('BTCUSDT', '2024-01'), [{ kind: 'no-checksum' }]]]),
  })
  await ingestKlines(lakehouse)
  const program = `
import json, sys
from pyiceberg.table import StaticTable
json.dump([StaticTable.from_metadata(path).scan().to_arrow().num_rows for path in sys.argv[1:]], sys.stdout)`
  const store = localStore(join(folder, 'lake'))
  const roots = ['bronze/objects', 'gold/binance_spot_bars_5m', 'gold/binance_spot_bars_1d', 'gold/binance_spot_bars_1mo']
  const paths = await Promise.all(
    roots.map(async (root) => await store.files.open(metadataKey(root, (await loadTable(store, root))?.version ?? 0))),
  )
  assert.deepEqual(JSON.parse(execFileSync(READERS_PYTHON, ['-c', program, ...paths], { encoding: 'utf8' })), [1, 31 * 288, 31, 1])
})
