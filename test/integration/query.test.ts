import assert from 'node:assert/strict'
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { tableFromIPC } from 'apache-arrow'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import type { RESULT_FORMATS } from '../../src/query/run-query.ts'
import { smallArchive } from '../support/archives.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const TABLE = 'silver.binance_spot_klines_1m'
let folder = ''
let lakehouse: Lakehouse

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-test-'))
  await smallArchive(join(folder, 'archive'), {
    symbols: ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'],
    start: Date.UTC(2024, 0, 31),
    days: 3,
    tradesPerDay: 500,
  })
  lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
})

after(() => rm(folder, { recursive: true, force: true }))

async function written(sql: string, format: (typeof RESULT_FORMATS)[number]): Promise<Buffer> {
  const output = join(folder, `out.${format}`)
  await lakehouse.query(sql, { format, output, asOf: undefined })
  return await readFile(output)
}

test('every format tells the same rows', async () => {
  const sql = `SELECT symbol, open_time, close, trade_count FROM ${TABLE} WHERE symbol <> 'XRPUSDT' ORDER BY symbol, open_time LIMIT 3000;  -- the first`
  const expected = (await lakehouse.select(sql)).map((row) => [
    row['symbol'],
    (row['open_time'] as Date).getTime(),
    row['close'],
    Number(row['trade_count']),
  ])
  assert.equal(expected.length, 3000)
  const fromObjects = (rows: Record<string, unknown>[]) =>
    rows.map((row) => [
      row['symbol'],
      Date.parse(`${String(row['open_time']).replace(' ', 'T').replace(/\+00$/, '')}Z`.replace('ZZ', 'Z')),
      row['close'],
      Number(row['trade_count']),
    ])
  assert.deepEqual(fromObjects(JSON.parse((await written(sql, 'json')).toString()) as Record<string, unknown>[]), expected)
  assert.deepEqual(
    fromObjects(
      (await written(sql, 'ndjson'))
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    ),
    expected,
  )
  const [, ...csv] = (await written(sql, 'csv')).toString().trimEnd().split('\n')
  assert.deepEqual(
    csv.map((line) => line.split(',')).map(([symbol, , close, count]) => [symbol, Number(close), Number(count)]),
    expected.map(([symbol, , close, count]) => [symbol, close, count]),
  )
  const arrow = tableFromIPC(await written(sql, 'arrow'))
  assert.deepEqual(
    [...arrow].map((row) => [row['symbol'], row['open_time'], row['close'], Number(row['trade_count'])]),
    expected,
  )
  assert.equal((await written(sql, 'parquet')).subarray(0, 4).toString(), 'PAR1')
  assert.match((await written(sql, 'table')).toString(), /first 200 rows/)
})

test('Arrow carries every type with its nulls', async () => {
  const sql = `SELECT * FROM (VALUES
    (1::TINYINT, 2::SMALLINT, 3::INTEGER, 4::BIGINT, 5::UTINYINT, 6::UINTEGER, 1.5::FLOAT, 2.5::DOUBLE, true, 'text', DATE '2024-02-29', TIMESTAMPTZ '2024-01-01 00:00:00.000001+00', 12.34::DECIMAL(9, 2), 170141183460469231731687303715884105727::HUGEINT, [1, 2], INTERVAL 1 DAY),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS t(i8, i16, i32, i64, u8, u32, f32, f64, b, s, d, ts, dec, huge, list, span)`.replace(
    '170141183460469231731687303715884105727',
    '99999999999999999999',
  )
  const table = tableFromIPC(await written(sql, 'arrow'))
  const [first, second] = [...table].map((row) => row.toJSON() as Record<string, unknown>)
  assert.deepEqual(
    [
      first?.['i8'],
      first?.['i16'],
      first?.['i32'],
      first?.['i64'],
      first?.['u8'],
      first?.['u32'],
      first?.['f32'],
      first?.['f64'],
      first?.['b'],
      first?.['s'],
    ],
    [1, 2, 3, 4n, 5, 6, 1.5, 2.5, true, 'text'],
  )
  assert.equal(first?.['d'], Date.UTC(2024, 1, 29))
  assert.equal(String(first?.['dec']), '1234')
  assert.equal(String(first?.['huge']), '99999999999999999999')
  assert.deepEqual([first?.['list'], first?.['span']], ['[1, 2]', '1 day'])
  for (const value of Object.values(second ?? {})) assert.equal(value, null)
})

test('only the files that the conditions leave are opened, and pruning loses no row', async () => {
  const explained = async (where: string) => (await lakehouse.explain(`SELECT count(*) FROM ${TABLE} ${where}`, undefined))[0]
  assert.deepEqual([(await explained(''))?.filesRead, (await explained(''))?.filesSkipped], [4, 0])
  const cases: [string, number][] = [
    ["WHERE symbol = 'BTCUSDT'", 2],
    ["WHERE symbol IN ('ETHUSDT', 'XRPUSDT')", 4],
    ["WHERE open_time >= '2024-02-01'", 2],
    ["WHERE open_time < TIMESTAMPTZ '2024-02-01 00:00:00+00'", 2],
    ["WHERE open_time BETWEEN '2024-01-31 10:00' AND '2024-01-31 11:00' AND symbol = 'XRPUSDT'", 1],
    ["WHERE '2024-02-01' <= open_time AND close > 0", 2],
    ["WHERE symbol > 'F'", 2],
    ["WHERE symbol = 'NONE'", 0],
    ["WHERE symbol = 'BTCUSDT' OR symbol = 'ETHUSDT'", 4],
    ["WHERE NOT symbol = 'BTCUSDT'", 4],
    ["WHERE lower(symbol) = 'btcusdt'", 4],
  ]
  for (const [where, files] of cases) assert.equal((await explained(where))?.filesRead, files, where)
  for (const [where] of cases) {
    const [row] = await lakehouse.select(`SELECT count(*) AS n FROM ${TABLE} ${where}`)
    const [all] = await lakehouse.select(`SELECT count(*) AS n FROM (SELECT *, 1 AS one FROM ${TABLE} LIMIT 1000000) ${where}`)
    assert.deepEqual(row, all, where)
  }
})

test('conditions that would change which rows meet are not used to leave files out', async () => {
  const n = async (sql: string) => Number((await lakehouse.select(sql))[0]?.['n'])
  const asof = `SELECT count(*) AS n FROM (SELECT TIMESTAMPTZ '2024-02-02 12:00:00+00' AS at, 'BTCUSDT' AS symbol) l
    ASOF JOIN ${TABLE} r ON l.symbol = r.symbol AND l.at >= r.open_time WHERE r.open_time < '2024-02-01'`
  assert.equal(await n(asof), 0)
  const positional = `SELECT count(*) AS n FROM (SELECT 1 AS one FROM range(3)) l POSITIONAL JOIN (FROM ${TABLE} LIMIT 3) r WHERE l.one = 1`
  assert.equal(await n(positional), 3)
  const files = async (sql: string) => (await lakehouse.explain(sql, undefined))[0]?.filesRead
  assert.equal(await files(`FROM ${TABLE} a POSITIONAL JOIN range(3) r WHERE a.symbol = 'BTCUSDT'`), 4)
  assert.equal(await files(`SELECT count(*) FROM ${TABLE} AS k(symbol, open_time) WHERE open_time = 5 AND k.symbol > 'A'`), 4)
  assert.equal(await n(`SELECT count(*) AS n FROM ${TABLE} WHERE open_time = DATE '2024-02-01 10:00' AND symbol = 'BTCUSDT'`), 1)
  assert.equal(await n(`SELECT count(*) AS n FROM ${TABLE} WHERE open_time < CAST('2024-02-01 10:00' AS DATE)`), 3 * 1440)
})

test('a table that is mentioned twice is read for both mentions', async () => {
  const sql = `SELECT a.close AS a, b.close AS b FROM ${TABLE} a JOIN ${TABLE} b USING (open_time) WHERE a.symbol = 'BTCUSDT' AND b.symbol = 'ETHUSDT'`
  assert.equal((await lakehouse.select(sql)).length, 3 * 1440)
  const sub = `SELECT count(*) AS n FROM ${TABLE} WHERE symbol = 'BTCUSDT' AND open_time IN (SELECT open_time FROM ${TABLE} WHERE symbol = 'XRPUSDT')`
  assert.equal(Number((await lakehouse.select(sub))[0]?.['n']), 3 * 1440)
  const cte = `WITH eth AS (SELECT * FROM ${TABLE} WHERE symbol = 'ETHUSDT') SELECT count(*) AS n FROM eth UNION ALL SELECT count(*) FROM ${TABLE} WHERE symbol = 'XRPUSDT'`
  assert.deepEqual(
    (await lakehouse.select(cte)).map((row) => Number(row['n'])),
    [4320, 4320],
  )
})

test('the past is read by snapshot and by time', async () => {
  const { filesRead, snapshotId, snapshotTime } = (await lakehouse.explain(`FROM ${TABLE}`, undefined))[0] ?? assert.fail()
  assert.ok(snapshotId !== null && snapshotTime !== null)
  assert.equal((await lakehouse.explain(`FROM ${TABLE}`, { snapshot: snapshotId }))[0]?.filesRead, filesRead)
  assert.equal((await lakehouse.explain(`FROM ${TABLE}`, { timeMs: Date.now() }))[0]?.snapshotId, snapshotId)
  await assert.rejects(lakehouse.explain(`FROM ${TABLE}`, { snapshot: 12345 }), { code: 'SNAPSHOT_NOT_FOUND' })
  await assert.rejects(lakehouse.explain(`FROM ${TABLE}`, { timeMs: 0 }), { code: 'SNAPSHOT_NOT_FOUND' })
  await assert.rejects(lakehouse.explain(`FROM ${TABLE}`, { tag: 'none' }), { code: 'SNAPSHOT_NOT_FOUND' })
})

test('statements that write, reach files or change settings are refused', async () => {
  const outside = join(folder, 'outside.csv')
  const refused = [
    `DROP VIEW ${TABLE}`,
    'SELECT 1; SELECT 2',
    `COPY (SELECT 1) TO '${outside}'`,
    `CREATE TABLE t AS SELECT 1`,
    `INSERT INTO ${TABLE} SELECT * FROM ${TABLE}`,
    "ATTACH 'x.db'",
    'INSTALL httpfs',
    'SET threads = 1',
    'PRAGMA database_list',
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'x.parquet'",
    "SELECT * FROM glob('/*')",
    'SELECT * FROM duckdb_settings()',
    'SELECT * FROM duckdb_secrets()',
    `SELECT * FROM enable_logging(storage = 'file', storage_path = '${folder}/log')`,
    'CALL enable_logging()',
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('x')",
    "WITH x AS (SELECT * FROM read_csv('/etc/passwd')) SELECT * FROM x",
    "SELECT (SELECT count(*) FROM read_blob('/etc/passwd'))",
    "SELECT * FROM (SELECT 1) t, read_csv('/etc/passwd')",
    "SELECT json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_csv(''/etc/passwd'')'))",
    'EXPLAIN ANALYZE SELECT 1',
    'CHECKPOINT',
    "EXPORT DATABASE 'x'",
  ]
  for (const sql of refused)
    await assert.rejects(
      lakehouse.select(sql),
      (error: { code?: string }) => ['SQL_REFUSED', 'SQL_INVALID', 'QUERY_FAILED'].includes(error.code ?? ''),
      sql,
    )
  await assert.rejects(access(outside))
  await assert.rejects(lakehouse.select('SELEC 1'), { code: 'SQL_INVALID' })
  await assert.rejects(lakehouse.select('SELECT nothing FROM silver.binance_spot_klines_1m'), { code: 'SQL_INVALID' })
  await assert.rejects(lakehouse.select('SELECT * FROM silver.unknown'), { code: 'TABLE_NOT_FOUND', message: /binance_spot_klines_1m/ })
})

test('SQL reads no file by any spelling of its name, also not below the folder of the output', async () => {
  const reports = join(folder, 'reports')
  await mkdir(join(reports, 'deep'), { recursive: true })
  for (const name of ['deep/secret.csv', 'deep/secret.json', 'deep/secret.parquet'])
    await writeFile(join(reports, name), name.endsWith('json') ? '[{"a":"CANARY"}]' : 'a,b\nCANARY,1\n')
  const path = `${reports}/deep/secret`
  const spellings = [
    `FROM "${path}".csv`,
    `FROM "${path}".json`,
    `FROM "${path}".parquet`,
    `FROM main."${path}.csv"`,
    `FROM "${reports}"."deep/secret".csv`,
    `FROM memory."${path}".csv`,
    `FROM memory.main."${path}.csv"`,
    `FROM "${path}.csv"`,
    `FROM '${path}.csv'`,
    `WITH "${path}.csv" AS (FROM "${path}.csv") FROM "${path}.csv"`,
    `SELECT * FROM "${path}.csv", (WITH "${path}.csv" AS (SELECT 1) FROM "${path}.csv")`,
    `WITH x AS (FROM "${path}".csv) FROM x`,
    `WITH RECURSIVE x AS (FROM "${path}".csv UNION ALL FROM x) FROM x`,
    `SELECT (SELECT max(a) FROM "${path}".csv)`,
    `SELECT 1 WHERE EXISTS (FROM "${path}".csv)`,
    `SELECT 1 ORDER BY (SELECT a FROM "${path}".csv)`,
    `FROM ${TABLE} SEMI JOIN "${path}".csv USING (symbol)`,
    `DESCRIBE "${path}".csv`,
    `SUMMARIZE "${path}".csv`,
    `UNPIVOT "${path}".csv ON a`,
    `FROM secret`,
    `FROM silver."${path}.csv"`,
    `FROM duckdb_views`,
    `FROM pg_catalog.pg_views`,
  ]
  for (const sql of spellings)
    for (const output of [undefined, join(reports, 'o.csv')])
      await assert.rejects(
        output === undefined ? lakehouse.select(sql) : lakehouse.query(sql, { format: 'csv', output, asOf: undefined }),
        (error: { code?: string; message?: string }) =>
          ['SQL_REFUSED', 'TABLE_NOT_FOUND', 'SQL_INVALID'].includes(error.code ?? '') && !/CANARY/.test(error.message ?? ''),
        sql,
      )
  assert.deepEqual(await readdir(reports), ['deep'])
})

test('names that a statement gives itself stand before those of tables, within their scope', async () => {
  const n = async (sql: string) => Number((await lakehouse.select(sql))[0]?.['n'])
  assert.equal(await n('WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT n FROM B'), 2)
  assert.equal(await n('WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 5) SELECT max(n) AS n FROM a'), 5)
  assert.equal(await n('WITH a AS (SELECT 1 AS n) SELECT n FROM (WITH a AS (SELECT n + 1 AS n FROM a) SELECT n FROM a)'), 2)
  await assert.rejects(lakehouse.select('SELECT * FROM a, (WITH a AS (SELECT 1) FROM a)'), { code: 'SQL_INVALID', message: /silver\./ })
  assert.ok((await n('SELECT count(*) AS n FROM information_schema.tables')) >= 0)
})

test('a lake whose path holds what a glob reads otherwise is a lake like any other', async () => {
  const odd = openLakehouse({ lake: join(folder, 'la[1]ke*'), archive: join(folder, 'archive') })
  await ingestKlines(odd, { symbols: ['BTCUSDT'] })
  assert.equal((await ingestKlines(odd, { symbols: ['BTCUSDT'] })).counts.filesFetched, 0)
  assert.equal((await odd.select(`FROM ${TABLE}`)).length, 3 * 1440)
  assert.equal((await odd.select("FROM bronze.ledger WHERE event = 'verified'")).length, 3)
  assert.equal((await odd.select('FROM gold.binance_spot_bars_1h')).length, 72)
})

test('a query is stopped by the signal', async () => {
  const abort = new AbortController()
  const stoppable = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive'), signal: abort.signal })
  setTimeout(() => abort.abort(new DOMException('interrupted', 'AbortError')), 100)
  const endless = 'SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c WHERE a.range + b.range + c.range = 7'
  await assert.rejects(stoppable.query(endless, { format: 'csv', output: join(folder, 'never.csv'), asOf: undefined }))
  await assert.rejects(access(join(folder, 'never.csv')))
})

test('the ledger is a table, with time and run of every event', async () => {
  const rows = await lakehouse.select('SELECT event, count(*) AS n FROM bronze.ledger GROUP BY event ORDER BY event')
  assert.deepEqual(
    rows.map((row) => [row['event'], Number(row['n'])]),
    [
      ['decoded', 9],
      ['fetched', 9],
      ['planned', 9],
      ['verified', 9],
    ],
  )
})
