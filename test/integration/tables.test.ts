import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { icebergRead } from 'icebird'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import type { TableShape } from '../../src/lake/iceberg/schema.ts'
import { type AsOf, loadTable, metadataKey } from '../../src/lake/iceberg/table.ts'
import { LAKE_FORMAT, LAKE_MARKER } from '../../src/lake/layout.ts'
import type { Tables } from '../../src/lakehouse/tables.ts'
import { S3Storage } from '../../src/specification/s3-storage.ts'
import { localStore } from '../../src/storage/local.ts'
import { cut, FIELDS, rows, SPECS } from '../support/everything.ts'
import { withFileFetch } from '../support/file-fetch.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'

const NAME = 'silver.everything'

const asText = (columns: readonly string[], source: string) =>
  `SELECT count(*) AS n, md5(string_agg(line, chr(10) ORDER BY line)) AS content FROM (SELECT concat_ws('|', ${columns.map((name) => `coalesce("${name}"::VARCHAR, '∅')`).join(', ')}) AS line FROM ${source})`

type Seen = {
  metadata: string
  columns: readonly string[]
  tag?: string
  snapshot?: string
  ours: [number, string]
  filtered: number
  files: number
  step: string
}

/** Each state of a table through pyiceberg and DuckDB's extension: rows, a digest of them in any order, and what is read under a filter. */
const READERS = `
import duckdb, importlib.util, json, pathlib, sys
from pyiceberg.table import StaticTable
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
for name in ('avro', 'iceberg'):
    folder = pathlib.Path(importlib.util.find_spec('duckdb_extension_' + name).origin).parent
    con.load_extension(str(next(folder.rglob(name + '.duckdb_extension'))))
def text(columns, source):
    line = ', '.join(f'''coalesce("{name}"::VARCHAR, '∅')''' for name in columns)
    return f"SELECT count(*), md5(string_agg(line, chr(10) ORDER BY line)) FROM (SELECT concat_ws('|', {line}) AS line FROM {source})"
answers = []
for state in json.load(sys.stdin):
    table = StaticTable.from_metadata(state['metadata'])
    scan = table.scan().use_ref(state['tag']) if state.get('tag') else table.scan()
    arrow = scan.to_arrow()
    con.register('arrow_rows', arrow)
    where = f"{state['symbol']} = 'ETHUSDT' and ts >= '2024-01-01T00:00:00+00:00'"
    files = 0 if state.get('tag') else len(list(table.scan(row_filter=where).plan_files()))
    snapshot = f", snapshot_from_id = {state['snapshot']}" if state.get('snapshot') else ''
    source = f"iceberg_scan('{state['metadata']}'{snapshot})"
    filtered = con.sql(f"SELECT count(*) FROM {source} WHERE {where}").fetchone()[0]
    answers.append({'pyiceberg': con.sql(text(state['columns'], 'arrow_rows')).fetchone(), 'duckdb': con.sql(text(state['columns'], source)).fetchone(), 'files': files, 'filtered': filtered})
json.dump(answers, sys.stdout)
`

for (const [name, partition] of Object.entries(SPECS)) {
  test(`cut by ${name}: pyiceberg and DuckDB read every state of a table as we do, and its metadata says what its files hold`, async (context) => {
    const lake = await temporaryFolder(context)
    const store = localStore(lake)
    await store.put(LAKE_MARKER, Buffer.from(JSON.stringify({ format: LAKE_FORMAT })))
    const lakehouse = openLakehouse({ lake, archive: lake })
    const shape: TableShape = { fields: FIELDS, partition, sort: ['symbol', 'ts'] }
    const seen: Seen[] = []
    const columns = async (tables: Tables) => (await tables.describe(NAME)).schema.map((field) => field.name)
    const look = async (tables: Tables, step: string, tag?: string) => {
      assert.deepEqual(await tables.check(NAME), [], step)
      const table = (await loadTable(store, 'silver/everything')) ?? assert.fail()
      const names = tag === undefined ? await columns(tables) : FIELDS.map((field) => field.name)
      const asOf = tag === undefined ? undefined : { tag }
      const [own] = await lakehouse.select(asText(names, NAME), asOf)
      const symbol = names.includes('pair') ? 'pair' : 'symbol'
      const filter = `FROM ${NAME} WHERE ${symbol} = 'ETHUSDT' AND ts >= '2024-01-01'`
      const [some] = await lakehouse.select(`SELECT count(*) AS n ${filter}`, asOf)
      seen.push({
        step,
        metadata: await store.files.open(metadataKey(table.root, table.version)),
        columns: names,
        ...(tag === undefined ? {} : { tag, snapshot: String(table.metadata.refs[tag]?.['snapshot-id']) }),
        ours: [Number(own?.['n']), String(own?.['content'])],
        filtered: Number(some?.['n']),
        files: (await lakehouse.explain(`SELECT * ${filter}`, asOf))[0]?.filesRead ?? -1,
      })
    }
    const write = async (work: (tables: Tables) => Promise<unknown>, step: string) => {
      await lakehouse.withTables(true, async (tables) => {
        await work(tables)
        await look(tables, step)
      })
    }
    const only = (count: number) => assert.equal(seen.at(-1)?.ours[0], count, seen.at(-1)?.step)
    await write((tables) => tables.write(NAME, rows(0, 60), { mode: 'append', shape }), 'created')
    await write((tables) => tables.write(NAME, rows(60, 100), { mode: 'append' }), 'appended')
    await write((tables) => tables.write(NAME, rows(60, 100), { mode: 'append' }), 'appended again')
    only(100)
    await write((tables) => tables.tag(NAME, 'first', undefined), 'tagged')
    await write((tables) => tables.write(NAME, rows(0, 200, 'n * 3'), { mode: 'overwrite' }), 'overwritten')
    only(200)
    for (let n = 200; n < 230; n += 6) await write((tables) => tables.write(NAME, rows(n, n + 6), { mode: 'append' }), `appended ${n}`)
    await write((tables) => tables.compact(NAME), 'compacted')
    only(230)
    await write(
      (tables) =>
        tables.alterColumns(NAME, [
          { kind: 'add', name: 'note', type: 'string', doc: 'added later' },
          { kind: 'rename', name: 'symbol', to: 'pair' },
          { kind: 'widen', name: 'small', type: 'long' },
          { kind: 'widen', name: 'ratio', type: 'double' },
          { kind: 'widen', name: 'amount', type: 'decimal(20, 4)' },
          { kind: 'move', name: 'price', after: 'id' },
          { kind: 'drop', name: 'flag' },
        ]),
      'altered',
    )
    const late = `SELECT id, price, symbol AS pair, ts, local, day, small + 5000000000 AS small, ratio, amount, 'n' || id AS note FROM (${rows(230, 260)})`
    await write((tables) => tables.write(NAME, late, { mode: 'append' }), 'appended as altered')
    only(260)
    await write((tables) => tables.alterPartition(NAME, [{ source: 'ts', transform: 'day' }]), 'cut otherwise')
    await write((tables) => tables.write(NAME, late.replaceAll('230, 260', '260, 290'), { mode: 'append' }), 'appended as cut otherwise')
    await write((tables) => tables.deletePartitions(NAME, (file) => file.specId !== 0), 'partitions deleted')
    only(260)
    const before = seen.find(({ step }) => step === 'compacted')
    await write(async (tables) => {
      const list = await tables.snapshots(NAME)
      await tables.rollback(NAME, { snapshot: list.at(-4)?.snapshotId ?? -1 })
    }, 'rolled back')
    assert.equal(seen.at(-1)?.ours[0], before?.ours[0])
    await lakehouse.withTables(true, (tables) => look(tables, 'at the tag', 'first'))
    only(100)
    verify(seen)
    // What nobody can reach any more goes, and what a tag names stays.
    const last = seen.length
    await write((tables) => tables.expire(NAME, { olderThanMs: -1000, defaultAgeMs: 0, keep: 1, dryRun: false }), 'expired')
    await write(async (tables) => {
      const gone = await tables.orphans(NAME, { beforeMs: Date.now() + 1000, dryRun: false })
      assert.ok(gone.length > 0)
      assert.deepEqual(await tables.orphans(NAME, { beforeMs: Date.now() + 1000, dryRun: false }), [])
    }, 'orphans removed')
    await lakehouse.withTables(true, (tables) => look(tables, 'at the tag after expiry', 'first'))
    verify(seen.slice(last))
    const rowsRead = await withFileFetch(() => icebergRead({ tableUrl: `${store.url}/silver/everything` }))
    assert.equal(rowsRead.length, before?.ours[0])
  })
}

function verify(seen: readonly Seen[]): void {
  const input = JSON.stringify(
    seen.map(({ ours: _ours, step: _step, ...state }) => ({ ...state, symbol: state.columns.includes('pair') ? 'pair' : 'symbol' })),
  )
  const answers = JSON.parse(execFileSync(READERS_PYTHON, ['-c', READERS], { input, encoding: 'utf8' })) as Record<string, unknown>[]
  for (const [index, answer] of answers.entries()) {
    const { ours, filtered, files, step, tag } = seen[index] ?? assert.fail()
    assert.deepEqual(answer['pyiceberg'], ours, `pyiceberg, ${step}`)
    assert.deepEqual(answer['duckdb'], ours, `duckdb, ${step}`)
    assert.equal(answer['filtered'], filtered, step)
    if (tag === undefined) assert.equal(answer['files'], files, `files under a filter, ${step}`)
  }
}

test('what differs between two snapshots is told row by row', async (context) => {
  const lake = await temporaryFolder(context)
  await localStore(lake).put(LAKE_MARKER, Buffer.from(JSON.stringify({ format: LAKE_FORMAT })))
  const lakehouse = openLakehouse({ lake, archive: lake })
  const shape: TableShape = { fields: FIELDS.slice(0, 2), partition: [], sort: ['id'] }
  const values = (text: string) => `SELECT id::BIGINT AS id, symbol FROM (VALUES ${text}) v(id, symbol)`
  await lakehouse.withTables(true, async (tables) => {
    await tables.write(NAME, values("(1, 'a'), (2, 'b'), (3, 'c')"), { mode: 'append', shape })
    await tables.tag(NAME, 'before', undefined)
    await tables.write(NAME, values("(1, 'a'), (2, 'x'), (4, 'd')"), { mode: 'overwrite' })
    const { diff, rows: changed } = await tables.diff(NAME, { tag: 'before' }, undefined, 10)
    assert.deepEqual([diff.rowsAdded, diff.rowsRemoved, diff.rowsChanged], [1, 1, 1])
    assert.deepEqual(
      changed.map(({ change, row }) => [change, row['id'], row['symbol']]),
      [
        ['added', '4', 'd'],
        ['changed', '2', 'x'],
        ['removed', '3', 'c'],
      ],
    )
    await tables.branch(NAME, 'trial', undefined)
    await tables.write(NAME, values("(9, 'on the branch')"), { mode: 'append', branch: 'trial' })
  })
  assert.equal(Number((await lakehouse.select(`SELECT count(*) AS n FROM ${NAME}`))[0]?.['n']), 3)
  assert.equal(Number((await lakehouse.select(`SELECT count(*) AS n FROM ${NAME}`, { tag: 'trial' }))[0]?.['n']), 4)
})

/** An empty lake, and its tables. */
async function freshHouse(context: TestContext) {
  const lake = await temporaryFolder(context)
  await localStore(lake).put(LAKE_MARKER, Buffer.from(JSON.stringify({ format: LAKE_FORMAT })))
  const lakehouse = openLakehouse({ lake, archive: lake })
  const count = async (where = '', asOf?: AsOf) =>
    Number((await lakehouse.select(`SELECT count(*) AS n FROM ${NAME} ${where}`, asOf))[0]?.['n'])
  return { lakehouse, count }
}

test('rows find their partition whatever they are cut by: floating numbers, a column called value', async (context) => {
  const { lakehouse, count } = await freshHouse(context)
  const fields: TableShape['fields'] = [
    { id: 1, name: 'value', type: 'string', required: false },
    { id: 2, name: 'f', type: 'float', required: false },
  ]
  await lakehouse.withTables(true, async (tables) => {
    const query = "SELECT 'v' || n AS value, CASE WHEN n = 19 THEN 'nan'::FLOAT ELSE (n / 10.0)::FLOAT END AS f FROM range(20) t(n)"
    await tables.write(NAME, query, {
      mode: 'append',
      shape: { fields, partition: cut(['f', 'identity'], ['value', 'bucket[3]']), sort: [] },
    })
    assert.deepEqual(await tables.check(NAME), [])
  })
  assert.deepEqual([await count(), await count("WHERE value = 'v7'"), await count('WHERE f = 0.7::FLOAT')], [20, 1, 1])
})

test('a branch is written for itself, and a time is read by what was current then', async (context) => {
  const { lakehouse, count } = await freshHouse(context)
  const shape: TableShape = { fields: FIELDS.slice(0, 1), partition: [], sort: ['id'] }
  await lakehouse.withTables(true, async (tables) => {
    await tables.write(NAME, 'SELECT 1::BIGINT AS id', { mode: 'append', shape })
    for (const _ of ['once', 'and again']) await tables.write(NAME, 'SELECT 2::BIGINT AS id', { mode: 'append', branch: 'audit' })
    const branch = (await tables.snapshots(NAME)).find(({ refs }) => refs.includes('audit'))
    assert.equal(branch?.summary['total-records'], '2')
    assert.equal(await count('', { timeMs: Date.now() }), 1)
    await tables.write(NAME, 'SELECT 3::BIGINT AS id', { mode: 'append' })
    const first = (await tables.history(NAME))[0]?.snapshotId ?? -1
    await tables.rollback(NAME, { snapshot: first })
    assert.equal(await count('', { timeMs: Date.now() + 1000 }), 1)
    await tables.alterPartition(NAME, [{ source: 'id', transform: 'bucket[2]' }])
    await assert.rejects(tables.write(NAME, 'SELECT 1::BIGINT AS id', { mode: 'overwrite' }), { code: 'TABLE_UNSUPPORTED' })
  })
})

test('rows without a value lie in another partition than those whose value is the text "null"', async (context) => {
  const { lakehouse } = await freshHouse(context)
  const shape: TableShape = { fields: FIELDS.slice(0, 2), partition: cut(['symbol', 'identity']), sort: ['id'] }
  await lakehouse.withTables(true, async (tables) => {
    await tables.write(NAME, "SELECT * FROM (VALUES (1, NULL), (2, 'null')) t(id, symbol)", { mode: 'append', shape })
    await tables.write(NAME, "SELECT 3 AS id, 'null' AS symbol", { mode: 'overwrite' })
    assert.equal((await tables.partitions(NAME)).length, 2)
    for (const id of [4, 5, 6])
      await tables.write(NAME, `SELECT * FROM (VALUES (${id}, NULL), (${id + 10}, 'null')) t(id, symbol)`, { mode: 'append' })
    await tables.compact(NAME)
    assert.deepEqual(await tables.check(NAME), [])
  })
  assert.deepEqual(await lakehouse.select(`SELECT id::INTEGER AS id FROM ${NAME} WHERE symbol IS NULL ORDER BY id`), [
    { id: 1 },
    { id: 4 },
    { id: 5 },
    { id: 6 },
  ])
})

test('a column that comes again under its name is another one', async (context) => {
  const { lakehouse } = await freshHouse(context)
  const shape: TableShape = { fields: FIELDS.slice(0, 2), partition: [], sort: ['id'] }
  await lakehouse.withTables(true, async (tables) => {
    await tables.write(NAME, "SELECT 1::BIGINT AS id, 'old' AS symbol", { mode: 'append', shape })
    await tables.alterColumns(NAME, [{ kind: 'drop', name: 'symbol' }])
    await tables.alterColumns(NAME, [{ kind: 'add', name: 'symbol', type: 'int' }])
    await tables.alterPartition(NAME, [{ source: 'symbol', transform: 'identity' }])
    await tables.write(NAME, 'SELECT 2::BIGINT AS id, 7 AS symbol', { mode: 'append' })
    assert.deepEqual(await tables.check(NAME), [])
  })
  assert.deepEqual(
    (await lakehouse.select(`SELECT symbol FROM ${NAME} ORDER BY id`)).map((row) => row['symbol']),
    [null, 7],
  )
})

test('conditions leave out no row that counts: beside a join, beyond 2^53, with fractions, whatever the case of a name', async (context) => {
  const { lakehouse } = await freshHouse(context)
  const shape: TableShape = { fields: FIELDS.slice(0, 2), partition: cut(['id', 'bucket[4]']), sort: ['id'] }
  await lakehouse.withTables(true, (tables) =>
    tables.write(NAME, "SELECT n AS id, 's' || n AS symbol FROM range(3) t(n) UNION ALL SELECT 9007199254740993, 'large'", {
      mode: 'append',
      shape,
    }),
  )
  const count = async (sql: string) => Number((await lakehouse.select(`SELECT count(*) AS n FROM ${sql}`))[0]?.['n'])
  assert.equal(await count(`range(5) r(x) LEFT JOIN ${NAME} t ON t.id = r.x WHERE t.symbol IS NULL`), 2)
  assert.equal(await count(`${NAME} WHERE id = 9007199254740993`), 1)
  assert.equal(await count(`${NAME} WHERE id > 1.5 AND id < 100`), 1)
  assert.equal(await count(`${NAME} WHERE symbol = 's1'`), 1)
  assert.equal(await count('SILVER.everything'), 4)
  await assert.rejects(lakehouse.select('FROM result'), { code: 'SQL_INVALID' })
})

test('many small appends to a partition are compacted by themselves', async (context) => {
  const lake = await temporaryFolder(context)
  await localStore(lake).put(LAKE_MARKER, Buffer.from(JSON.stringify({ format: LAKE_FORMAT })))
  const lakehouse = openLakehouse({ lake, archive: lake })
  const shape: TableShape = { fields: FIELDS.slice(0, 1), partition: [], sort: ['id'] }
  await lakehouse.withTables(true, async (tables) => {
    for (let n = 0; n < 40; n++) await tables.write(NAME, `SELECT ${n}::BIGINT AS id`, { mode: 'append', shape })
    assert.ok((await tables.files(NAME)).length < 20)
    assert.deepEqual(await tables.check(NAME), [])
  })
  assert.equal(Number((await lakehouse.select(`SELECT count(DISTINCT id) AS n FROM ${NAME}`))[0]?.['n']), 40)
})

test('changes that would make what is written unreadable are refused', async (context) => {
  const lake = await temporaryFolder(context)
  await localStore(lake).put(LAKE_MARKER, Buffer.from(JSON.stringify({ format: LAKE_FORMAT })))
  const lakehouse = openLakehouse({ lake, archive: lake })
  await lakehouse.withTables(true, async (tables) => {
    await tables.create(NAME, { fields: FIELDS, partition: cut(['ts', 'month']), sort: ['symbol'] }, { owner: 'us' })
    assert.equal((await tables.describe(NAME)).properties['owner'], 'us')
    assert.deepEqual(await tables.check(NAME), [])
    const refused = [
      { kind: 'widen', name: 'price', type: 'float' },
      { kind: 'widen', name: 'id', type: 'string' },
      { kind: 'widen', name: 'amount', type: 'decimal(10, 4)' },
      { kind: 'rename', name: 'id', to: 'price' },
      { kind: 'add', name: 'id', type: 'long' },
      { kind: 'drop', name: 'ts' },
    ] as const
    for (const change of refused) await assert.rejects(tables.alterColumns(NAME, [change]), { code: 'SCHEMA_CHANGE_INVALID' })
    await assert.rejects(tables.alterColumns(NAME, [{ kind: 'drop', name: 'nothing' }]), { code: 'COLUMN_NOT_FOUND' })
    await assert.rejects(tables.alterPartition(NAME, [{ source: 'nothing', transform: 'day' }]), { code: 'COLUMN_NOT_FOUND' })
    await assert.rejects(tables.untag(NAME, 'main'), { code: 'TABLE_REF_INVALID' })
    await assert.rejects(tables.tag(NAME, 'x', undefined), { code: 'SNAPSHOT_NOT_FOUND' })
    await assert.rejects(tables.describe('silver.none'), { code: 'TABLE_NOT_FOUND' })
    await assert.rejects(tables.describe('../../etc'), { code: 'TABLE_NOT_FOUND' })
  })
})

test('data are stored and asked for by layer, under the names of the specification, and each table tells of itself in JSON', async (context) => {
  const lake = await temporaryFolder(context)
  const storage = new S3Storage(openLakehouse({ lake, archive: lake }))
  const metadata = { key: 'notes/a.txt', origin: 'a desk' }
  const raw = await storage.storeRawData(Buffer.from('as it came'), metadata)
  assert.deepEqual(await storage.storeRawData('as it came', metadata), raw)
  await assert.rejects(storage.storeRawData('otherwise', metadata), { code: 'OBJECT_EXISTS' })
  const beside = JSON.parse(await readFile(join(lake, 'bronze/raw/notes/a.txt.metadata.json'), 'utf8')) as object
  const { 'lakehouse-sha256': own, ...described } = beside as Record<string, unknown>
  assert.deepEqual(described, { ...metadata, bytes: 10, sha256: raw.sha256 })
  assert.match(String(own), /^[0-9a-f]{64}$/)
  const shape: TableShape = { fields: FIELDS, partition: cut(['ts', 'month']), sort: ['symbol'] }
  assert.equal((await storage.storeProcessedData(rows(0, 50), 'spot', 'everyThing', { shape })).rows, 50)
  const daily: TableShape = { fields: [{ id: 1, name: 'day', type: 'date', required: false }], partition: [], sort: [] }
  await storage.storeAggregatedData("SELECT DATE '2024-01-01' AS day", 'days', { shape: daily })
  const found = JSON.parse(
    Buffer.from(await storage.queryData('WITH few AS (FROM spot_every_thing) SELECT count(*) AS n FROM few', 'silver')).toString('utf8'),
  ) as { n: number }[]
  assert.deepEqual(found, [{ n: 50 }])
  assert.match(Buffer.from(await storage.queryData('SELECT * FROM days', 'gold', 'csv')).toString('utf8'), /2024-01-01/)
  await assert.rejects(storage.queryData('SELECT * FROM days', 'silver'), { code: 'SQL_INVALID' })
  const card = JSON.parse(await readFile(`${lake}/silver/spot_every_thing/_metadata.json`, 'utf8')) as {
    counts: object
    schema: object[]
    checksums: object
    lineage: { operation: string }
  }
  assert.deepEqual([card.schema.length, card.lineage.operation, Object.keys(card.checksums).length], [FIELDS.length, 'append', 3])
  assert.deepEqual(card.counts, { rows: 50, files: 2, bytes: (card.counts as { bytes: number }).bytes, partitions: 2 })
})

test('what expired snapshots leave goes by itself when it is old', async (context) => {
  const lake = await temporaryFolder(context)
  const store = localStore(lake)
  await store.put(LAKE_MARKER, Buffer.from(JSON.stringify({ format: LAKE_FORMAT })))
  const lakehouse = openLakehouse({ lake, archive: lake, nowMs: () => Date.now() + 4 * 86_400_000 })
  const files = async () => (await readdir(join(lake, 'silver', 't', 'data'))).length
  await lakehouse.withTables(true, async (tables) => {
    const shape: TableShape = { fields: [{ id: 1, name: 'x', type: 'long', required: false }], partition: [], sort: [] }
    const write = (n: number) => tables.write('silver.t', `SELECT ${n}::BIGINT AS x`, { mode: 'overwrite', shape })
    for (let n = 0; n < 61; n++) await write(n)
    await tables.expire('silver.t', { olderThanMs: -(5 * 86_400_000), defaultAgeMs: 0, keep: 5, dryRun: false })
    await write(61)
    assert.equal(await files(), 62)
    await write(62)
    // Those of the snapshots that are left, and the one that the oldest of them says it has replaced.
    assert.equal(await files(), (await tables.snapshots('silver.t')).length + 1)
    assert.ok((await files()) < 10)
    assert.deepEqual(await tables.check('silver.t'), [])
  })
})
