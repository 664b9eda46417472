import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { prepareReaders, READERS_PYTHON } from '../scripts/readers.ts'
import { configSchema } from '../src/config/schema.ts'
import { commit } from '../src/lake/iceberg/commit.ts'
import type { DataFile } from '../src/lake/iceberg/manifest.ts'
import { planScan } from '../src/lake/iceberg/scan.ts'
import { byPeriod, fieldsOf, partitionField, type TableShape } from '../src/lake/iceberg/schema.ts'
import { keyOf, liveFiles, loadTable, metadataKey, snapshotOf, urlOf } from '../src/lake/iceberg/table.ts'
import { sqlType } from '../src/lake/iceberg/values.ts'
import { writeDataFile } from '../src/lake/tables/data-file.ts'
import { Lakehouse } from '../src/lakehouse/lakehouse.ts'
import { DuckDBSession, quote } from '../src/platform/duckdb/session.ts'
import { silverColumns } from '../src/sources/series.ts'
import { localStore } from '../src/storage/local.ts'
import { emptyLake } from '../test/support/empty-lake.ts'
import { startVersity } from '../test/support/s3-server.ts'
import { BENCH_PYTHON } from './python.ts'

const FIELDS = fieldsOf(silverColumns({ exchange: 'binance', dataset: 'klines', market: 'spot', interval: '1m' }))
const SHAPE: TableShape = { fields: FIELDS, partition: byPeriod('open_time', 'month'), sort: ['symbol', 'open_time'] }
const PARQUET = { rowGroupSize: 122_880, dictionarySizeLimit: 1000, zstdLevel: 2 }
const DEPS = { nowMs: Date.now, random: Math.random, onConflict: () => {} }
const TABLE = 'silver.binance_spot_klines_1m'
const ROOT = 'silver/binance_spot_klines_1m'

const print = (line: string) => void process.stdout.write(`${line}\n`)

function percentile(times: readonly number[], share: number): number {
  return [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
}

function lakehouseOf(lake: string, cache?: string): Lakehouse {
  const config = configSchema.parse({ lake, ...(cache === undefined ? {} : { cache: { directory: cache } }) })
  return new Lakehouse(config, { nowMs: Date.now, random: Math.random, signal: new AbortController().signal })
}

/** A data file that exists only in the metadata. */
function saidFile(url: string, n: number): DataFile {
  const month = 576 + Math.floor(n / 1000)
  const values = new Map(
    FIELDS.map(({ id, type }) => [
      id,
      type === 'string' ? `S${String(n % 1000).padStart(4, '0')}USDT` : type === 'boolean' ? true : n * 1000,
    ]),
  )
  const counts = (value: number) => new Map(FIELDS.map(({ id }) => [id, value]))
  return {
    path: `${url}/data/${month}/${String(n).padStart(40, '0')}.parquet`,
    specId: 0,
    partition: [month],
    rows: 44_640,
    bytes: 1e6,
    columnBytes: counts(1000),
    nulls: counts(0),
    lower: values,
    upper: values,
    nans: undefined,
    sorted: true,
  }
}

async function commits(folder: string): Promise<void> {
  print('\ncommit of one small append, metadata alone')
  const store = localStore(join(folder, 'commits'))
  const times: number[] = []
  for (let n = 0; n < 10_020; n++) {
    const began = performance.now()
    await commit(store, ROOT, SHAPE, DEPS, async () => ({ operation: 'append', add: [saidFile(urlOf(store, ROOT), n)], remove: new Set() }))
    times.push(performance.now() - began)
    if (![30, 1020, 10_020].includes(n + 1)) continue
    const last = times.slice(-20)
    print(
      `  after ${String(n - 19).padStart(6)} commits  p50 ${percentile(last, 0.5).toFixed(1)} ms, slowest of 20 ${percentile(last, 1).toFixed(1)} ms`,
    )
  }
}

async function plans(folder: string): Promise<void> {
  print('\nplanning over 100,000 files in 10 manifests: one symbol, all its months')
  const store = localStore(join(folder, 'plans'))
  for (let part = 0; part < 10; part++) {
    const add = Array.from({ length: 10_000 }, (_, n) => saidFile(urlOf(store, ROOT), part * 10_000 + n))
    await commit(store, ROOT, SHAPE, DEPS, async () => ({ operation: 'append', add, remove: new Set() }))
  }
  const times: number[] = []
  for (let n = 0; n < 6; n++) {
    const began = performance.now()
    const table = await loadTable(store, ROOT)
    if (table === undefined) return
    await planScan(table, snapshotOf(table, undefined), [{ column: 'symbol', op: '=', value: 'S0005USDT' }])
    times.push(performance.now() - began)
  }
  print(`  cold ${times[0]?.toFixed(0)} ms, warm p50 ${percentile(times.slice(1), 0.5).toFixed(0)} ms`)
}

const SYMBOLS = 60
const DAYS = 240

/** Writes 20,736,000 one-minute bars, one sorted file per month like in silver. */
async function makeBars(lake: string): Promise<void> {
  await emptyLake(lake)
  const store = localStore(lake)
  const session = await DuckDBSession.open({ threads: 2, memoryLimitMb: 4000, temporaryDirectory: join(lake, '.spill') })
  const start = Date.UTC(2023, 0)
  for (let month = 0; month < 8; month++) {
    const [from, to] = [Date.UTC(2023, month), Math.min(Date.UTC(2023, month + 1), start + DAYS * 86_400_000)]
    if (from >= to) break
    const columns = FIELDS.map(({ name, type }) => {
      if (name === 'symbol') return `'S' || lpad(s::VARCHAR, 3, '0') || 'USDT' AS symbol`
      if (name === 'open_time') return 'make_timestamptz(t) AS open_time'
      if (name === 'close_time') return 'make_timestamptz(t + 59999999) AS close_time'
      if (type === 'long') return `(hash(t, s) % 500)::BIGINT AS ${name}`
      return type === 'double'
        ? `round(20000 + s + (hash(t, s, '${name}') % 1000000) / 997.0, 2) AS ${name}`
        : `NULL::${sqlType(type)} AS ${name}`
    })
    const minutes = (to - from) / 60_000
    const query = `SELECT ${columns.join(', ')} FROM (SELECT s, ${from * 1000} + m * 60000000 AS t FROM range(${SYMBOLS}) a(s), range(${minutes}) b(m) ORDER BY s, m)`
    const key = `${ROOT}/data/open_time_month=2023-0${month + 1}/bars.parquet`
    const draft = await store.files.draft(key)
    const written = await writeDataFile(session, query, FIELDS, draft, PARQUET)
    await store.files.publish(draft, key, { replace: true })
    const file: DataFile = { ...written, path: urlOf(store, key), specId: 0, partition: [636 + month] }
    await commit(store, ROOT, SHAPE, DEPS, async () => ({ operation: 'append', add: [file], remove: new Set() }))
  }
  session.close()
}

const WHERE =
  "symbol = 'S017USDT' AND open_time >= TIMESTAMPTZ '2023-05-03 00:00:00+00' AND open_time < TIMESTAMPTZ '2023-05-17 00:00:00+00'"
const TWO_COLUMNS = 'count(*) AS n, sum(volume) AS volume'
const RUNS = 60

async function queries(folder: string): Promise<void> {
  const lake = join(folder, 'bars')
  if (!existsSync(join(lake, ROOT))) await makeBars(lake)
  print(`\none symbol, two weeks (20,160 rows) of ${(SYMBOLS * DAYS * 1440).toLocaleString('en')} bars, p50 / p99 of ${RUNS} warm runs, ms`)
  const store = localStore(lake)
  const table = await loadTable(store, ROOT)
  if (table === undefined) return
  const lakehouse = lakehouseOf(lake)
  const files: string[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) files.push(await store.files.open(keyOf(store, file.path)))
  const may = files.filter((path) => path.includes('2023-05'))
  const bare = await DuckDBSession.open({ threads: 2, memoryLimitMb: 1000, temporaryDirectory: join(folder, 'spill') })
  await bare.run('SET parquet_metadata_cache = true')
  const direct = (paths: string) => (columns: string) =>
    bare.firstRows(`SELECT ${columns} FROM read_parquet(${paths}, hive_partitioning = false) WHERE ${WHERE}`, 100_000)
  const list = (paths: readonly string[]) => `[${paths.map(quote).join(', ')}]`
  const contenders: Record<string, (columns: string) => Promise<unknown>> = {
    'ours, SQL over the table': (columns) => lakehouse.select(`SELECT ${columns} FROM ${TABLE} WHERE ${WHERE}`),
    'DuckDB, the one file named': direct(list(may)),
    'DuckDB, all files named': direct(list(files)),
    'DuckDB, glob': direct(quote(`${lake}/${ROOT}/data/*/*.parquet`)),
  }
  for (const columns of [TWO_COLUMNS, '*']) {
    print(`  ${columns === '*' ? 'all columns' : 'count and sum'}`)
    const times = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]))
    for (let n = 0; n < RUNS + 5; n++)
      for (const [name, run] of Object.entries(contenders)) {
        const began = performance.now()
        await run(columns)
        if (n >= 5) times.get(name)?.push(performance.now() - began)
      }
    const ours = times.get('ours, SQL over the table') ?? []
    for (const [name, some] of times) told(name, percentile(some, 0.5), percentile(some, 0.99), ours)
    for (const [name, [p50, p99]] of Object.entries(
      await pythonPeers(await store.files.open(metadataKey(ROOT, table.version)), `${lake}/${ROOT}/data`, columns),
    ))
      told(name, p50, p99, ours)
  }
  bare.close()
}

function told(name: string, p50: number, p99: number, ours: readonly number[]): void {
  print(
    `    ${name.padEnd(34)} ${p50.toFixed(1).padStart(6)} ${p99.toFixed(1).padStart(6)}   ours / this ${(percentile(ours, 0.5) / p50).toFixed(2)}, ${(percentile(ours, 0.99) / p99).toFixed(2)}`,
  )
}

const TIMING = `
import json, sys, time
def timed(run):
    times = []
    for n in range(${RUNS + 5}):
        began = time.perf_counter()
        run()
        if n >= 5: times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return [times[len(times) // 2], times[int(len(times) * 0.99)]]
metadata, data, columns = sys.argv[1:4]
`
const ICEBERG_PEERS = `${TIMING}
import duckdb, importlib.util, pathlib
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'; SET threads = 2")
for name in ('avro', 'iceberg'):
    folder = pathlib.Path(importlib.util.find_spec('duckdb_extension_' + name).origin).parent
    con.load_extension(str(next(folder.rglob(name + '.duckdb_extension'))))
from pyiceberg.table import StaticTable
where = "${WHERE}"
row_filter = "symbol = 'S017USDT' and open_time >= '2023-05-03T00:00:00+00:00' and open_time < '2023-05-17T00:00:00+00:00'"
fields = ('*',) if columns == '*' else ('volume',)
print(json.dumps({
    'DuckDB, iceberg_scan to Arrow': timed(lambda: con.sql(f"SELECT {columns} FROM iceberg_scan('{metadata}') WHERE {where}").to_arrow_table()),
    'pyiceberg to Arrow': timed(lambda: StaticTable.from_metadata(metadata).scan(row_filter=row_filter, selected_fields=fields).to_arrow()),
}))
`
const POLARS_PEER = `${TIMING}
import polars as pl, datetime
at = lambda day: datetime.datetime(2023, 5, day, tzinfo=datetime.timezone.utc)
def run():
    rows = pl.scan_parquet(data + '/*/*.parquet').filter((pl.col('symbol') == 'S017USDT') & (pl.col('open_time') >= at(3)) & (pl.col('open_time') < at(17)))
    return rows.collect() if columns == '*' else rows.select(pl.len(), pl.col('volume').sum()).collect()
print(json.dumps({'Polars, scan_parquet': timed(run)}))
`

/** ArcticDB with its own store of the same rows: one table per symbol, by time. */
const ARCTIC_PEER = `${TIMING}
import arcticdb, duckdb, os, pandas as pd
home = data + '/../../../arctic'
fresh = not os.path.exists(home)
library = arcticdb.Arctic('lmdb://' + home + '?map_size=20GB').get_library('bars', create_if_missing=True)
if fresh:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for n in range(${SYMBOLS}):
        name = f'S{n:03d}USDT'
        frame = con.sql(f"SELECT * EXCLUDE (symbol, open_time, close_time), open_time::TIMESTAMP AS open_time, close_time::TIMESTAMP AS close_time FROM read_parquet('{data}/*/*.parquet', hive_partitioning = false) WHERE symbol = '{name}' ORDER BY open_time").df().set_index('open_time')
        frame = frame.drop(columns=[column for column in frame.columns if frame[column].isna().all()])
        library.write(name, frame)
span = (pd.Timestamp('2023-05-03'), pd.Timestamp('2023-05-16 23:59:59.999'))
def run():
    if columns == '*': return library.read('S017USDT', date_range=span).data
    volume = library.read('S017USDT', date_range=span, columns=['volume']).data['volume']
    return len(volume), volume.sum()
assert len(library.read('S017USDT', date_range=span).data) == 20160
print(json.dumps({'ArcticDB to pandas': timed(run)}))
`

async function pythonPeers(metadata: string, data: string, columns: string): Promise<Record<string, [number, number]>> {
  const ask = (python: string, program: string) =>
    JSON.parse(execFileSync(python, ['-c', program, metadata, data, columns], { encoding: 'utf8' })) as Record<string, [number, number]>
  return { ...ask(READERS_PYTHON, ICEBERG_PEERS), ...ask(BENCH_PYTHON, POLARS_PEER), ...ask(BENCH_PYTHON, ARCTIC_PEER) }
}

/** Runs the same query on a lake in a bucket, with an empty and a warm cache, and with DuckDB's httpfs on the same file. */
async function inBucket(folder: string): Promise<void> {
  print('\na lake in a bucket (versitygw): 2 weeks of one of 40 symbols, a month of 1,785,600 rows')
  const server = await startVersity()
  Object.assign(process.env, server.environment)
  try {
    const lake = await server.bucket('bench')
    await emptyLake(lake)
    await lakehouseOf(lake, join(folder, 'cache-write')).withTables(true, (tables) =>
      tables.write(TABLE, monthSql(40), { mode: 'append', shape: SHAPE }),
    )
    const [file] = await lakehouseOf(lake).withTables(false, (tables) => tables.files(TABLE))
    const sql = (table: string) =>
      `SELECT count(*) AS n, sum(close) AS x FROM ${table} WHERE symbol = 'S017USDT' AND open_time >= '2024-01-08' AND open_time < '2024-01-22'`
    const cold: number[] = []
    const warm: number[] = []
    for (let n = 0; n < 10; n++) {
      const lakehouse = lakehouseOf(lake, join(folder, `cache-${n}`))
      for (const times of [cold, warm]) {
        const began = performance.now()
        await lakehouse.select(sql(TABLE))
        times.push(performance.now() - began)
      }
    }
    const [fetched = ''] = execFileSync('du', ['-sk', join(folder, 'cache-0')], { encoding: 'utf8' }).split('\t')
    print(
      `  ours             cold p50 ${percentile(cold, 0.5).toFixed(0)} ms (${(Number(fetched) / 1024).toFixed(1)} of ${(Number(file?.['bytes']) / 2 ** 20).toFixed(1)} MiB fetched), warm p50 ${percentile(warm, 0.5).toFixed(0)} ms`,
    )
    const peer = execFileSync(READERS_PYTHON, ['-c', HTTPFS_PEER, server.endpoint, String(file?.['path']), sql('read_parquet(?)')], {
      encoding: 'utf8',
    })
    const { first, again } = JSON.parse(peer) as { first: number; again: number }
    print(
      `  DuckDB httpfs    cold p50 ${first.toFixed(0)} ms, warm p50 ${again.toFixed(0)} ms (the query names the file; no table metadata is read)`,
    )
  } finally {
    await server.close()
  }
}

/** SQL of a month of klines of `symbols` symbols. */
function monthSql(symbols: number): string {
  const columns = FIELDS.map(({ name, type }) => {
    if (name === 'symbol') return `printf('S%03dUSDT', s) AS symbol`
    if (name === 'open_time' || name === 'close_time')
      return `make_timestamptz(1704067200000000 + m * 60000000${name === 'close_time' ? ' + 59999000' : ''}) AS ${name}`
    return type === 'double'
      ? `(hash(s, m, '${name}') % 1000000) / 7.0 AS ${name}`
      : `CAST((hash(s, m) % 1000) AS ${sqlType(type)}) AS ${name}`
  })
  return `SELECT ${columns.join(', ')} FROM range(${symbols}) a(s), range(44640) b(m)`
}

const HTTPFS_PEER = `
import json, sys, time, os, glob, statistics, urllib.parse, duckdb
url, path, sql = sys.argv[1:]
folder = glob.glob(os.path.join(os.path.dirname(duckdb.__file__), '..', 'duckdb_extension_httpfs', 'extensions', '*', 'httpfs.duckdb_extension'))[0]
first, again = [], []
for n in range(10):
    c = duckdb.connect()
    c.execute("SET TimeZone = 'UTC'")
    c.execute(f"LOAD '{folder}'")
    c.execute("SET parquet_metadata_cache = true")
    c.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{os.environ['AWS_ACCESS_KEY_ID']}', SECRET '{os.environ['AWS_SECRET_ACCESS_KEY']}', ENDPOINT '{urllib.parse.urlparse(url).netloc}', URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')")
    for times in (first, again):
        t = time.perf_counter(); c.execute(sql, [path]).fetchall(); times.append((time.perf_counter() - t) * 1000)
print(json.dumps({'first': statistics.median(first), 'again': statistics.median(again)}))
`

async function compaction(folder: string): Promise<void> {
  const lake = join(folder, 'compaction')
  await emptyLake(lake)
  const shape: TableShape = { fields: FIELDS.slice(0, 4), partition: [partitionField('symbol', 'identity')], sort: ['open_time'] }
  const rows = (n: number) =>
    `SELECT 'A' AS symbol, make_timestamptz(${n} * 60000000000 + m * 60000000) AS open_time, (hash(m, ${n}) % 100000) / 7.0 AS open, (hash(m, ${n}, 1) % 100000) / 7.0 AS high FROM range(200000) r(m)`
  await lakehouseOf(lake).withTables(true, async (tables) => {
    for (let n = 0; n < 20; n++) await tables.write('silver.bars', rows(n), { mode: 'append', shape })
    const began = performance.now()
    const { filesBefore, bytesBefore } = await tables.compact('silver.bars')
    const seconds = (performance.now() - began) / 1000
    print(
      `\ncompaction of ${filesBefore} files (${(bytesBefore / 1e6).toFixed(0)} MB, 4,000,000 rows): ${seconds.toFixed(1)} s, ${(bytesBefore / 1e6 / seconds).toFixed(0)} MB/s`,
    )
  })
}

/** Measures commits, planning, queries, buckets and compaction of tables. */
export async function benchTables(cache: string, only?: string): Promise<void> {
  await prepareReaders()
  const folder = join(cache, 'tables')
  await mkdir(folder, { recursive: true })
  const parts: Readonly<Record<string, (folder: string) => Promise<void>>> = { queries, plans, bucket: inBucket, compaction, commits }
  for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part(folder)
  for (const name of ['commits', 'plans', 'compaction', 'spill']) await rm(join(folder, name), { recursive: true, force: true })
}
