import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import type { TableShape } from '../../src/lake/iceberg/schema.ts'
import { byPeriod } from '../../src/lake/iceberg/schema.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { startCatalog } from '../support/catalog.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'
import { ROOT, startVersity, useRootKeys } from '../support/s3-server.ts'

const SHAPE: TableShape = {
  fields: [
    { id: 1, name: 'symbol', type: 'string', required: false },
    { id: 2, name: 'ts', type: 'timestamptz', required: false },
    { id: 3, name: 'price', type: 'double', required: false },
  ],
  partition: byPeriod('ts', 'month'),
  sort: ['symbol', 'ts'],
}
const rows = (from: number, to: number) =>
  `SELECT ['A', 'B'][1 + n % 2] AS symbol, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (n) DAY AS ts, n / 2.0 AS price FROM range(${from}, ${to}) t(n)`

/** A lake with a table of sixty days, and a catalog of it. */
async function served(
  context: TestContext,
  options: { lake: string; readOnly?: boolean; token?: string; cache?: string },
): Promise<{ lakehouse: Lakehouse; url: string }> {
  await emptyLake(options.lake)
  const lakehouse = openLakehouse({
    lake: options.lake,
    archive: options.lake,
    ...(options.cache === undefined ? {} : { cache: { directory: options.cache } }),
  })
  await lakehouse.withTables(true, (tables) => tables.write('silver.prices', rows(0, 60), { mode: 'append', shape: SHAPE }))
  const { url, close } = await startCatalog(lakehouse, options)
  context.after(close)
  return { lakehouse, url }
}

async function python(program: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(READERS_PYTHON, ['-c', program, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 })
  return JSON.parse(stdout)
}

const PYICEBERG = `
import datetime, json, sys
import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import EqualTo
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType, LongType
from pyiceberg.transforms import BucketTransform
from pyiceberg.partitioning import PartitionSpec, PartitionField
catalog = RestCatalog('lake', uri=sys.argv[1], **json.loads(sys.argv[2]))
seen = {'namespaces': sorted(n[0] for n in catalog.list_namespaces()), 'tables': [list(t) for t in catalog.list_tables('silver')]}
table = catalog.load_table('silver.prices')
seen['rows'] = table.scan().to_arrow().num_rows
seen['files'] = len(list(table.scan(row_filter="ts >= '2024-02-01T00:00:00+00:00'").plan_files()))
at = lambda day: datetime.datetime(2024, 3, day, tzinfo=datetime.timezone.utc)
stale = catalog.load_table('silver.prices')
table.append(pa.table({'symbol': ['C', 'C'], 'ts': pa.array([at(1), at(2)], pa.timestamp('us', 'UTC')), 'price': [1.0, None]}))
stale.append(pa.table({'symbol': ['D'], 'ts': pa.array([at(3)], pa.timestamp('us', 'UTC')), 'price': [3.0]}))
table.refresh()
table.delete(EqualTo('symbol', 'B'))
with table.update_schema() as change:
    change.add_column('note', StringType())
    change.rename_column('price', 'last_price')
table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, 'by pyiceberg').commit()
seen['after'] = table.refresh().scan().to_arrow().num_rows
made = catalog.create_table('gold.made', Schema(NestedField(1, 'id', LongType()), NestedField(2, 'name', StringType())), partition_spec=PartitionSpec(PartitionField(1, 1000, BucketTransform(4), 'id_bucket')))
made.append(pa.table({'id': list(range(100)), 'name': [f'n{i}' for i in range(100)]}))
made.overwrite(pa.table({'id': [1, 2], 'name': ['a', 'b']}))
seen['exists'] = [catalog.table_exists('gold.made'), catalog.table_exists('gold.none')]
json.dump(seen, sys.stdout)
`

test('pyiceberg lists, reads, appends, deletes, alters, tags and creates through the catalog, and we read what it wrote', async (context) => {
  const { lakehouse, url } = await served(context, { lake: await temporaryFolder(context) })
  const seen = await python(PYICEBERG, url, '{}')
  assert.deepEqual(seen, {
    namespaces: ['bronze', 'gold', 'silver'],
    tables: [['silver', 'prices']],
    rows: 60,
    files: 1,
    after: 33,
    exists: [true, false],
  })
  const [own] = await lakehouse.select(
    'SELECT count(*) AS n, count(DISTINCT symbol) AS symbols, count(last_price) AS priced, count(note) AS notes FROM silver.prices',
  )
  assert.deepEqual(Object.values(own ?? {}).map(Number), [33, 3, 32, 0])
  assert.deepEqual(
    (await lakehouse.select('SELECT * FROM gold.made ORDER BY id')).map((row) => [Number(row['id']), row['name']]),
    [
      [1, 'a'],
      [2, 'b'],
    ],
  )
  await lakehouse.withTables(true, async (tables) => {
    assert.deepEqual((await tables.describe('silver.prices')).refs.map(({ name }) => name).sort(), ['by pyiceberg', 'main'])
    // And we go on where others were.
    await tables.write('silver.prices', `SELECT symbol, ts, price AS last_price, 'n' AS note FROM (${rows(60, 70)})`, { mode: 'append' })
    assert.deepEqual(await tables.check(undefined), [])
    for (const { snapshotId } of await tables.snapshots('silver.prices')) assert.ok(snapshotId !== -1)
  })
  assert.equal(Number((await lakehouse.select('SELECT count(*) AS n FROM silver.prices'))[0]?.['n']), 43)
  assert.equal(Number((await lakehouse.select('SELECT count(*) AS n FROM silver.prices', { tag: 'by pyiceberg' }))[0]?.['n']), 33)
})

test('through the catalog a lake in a bucket is reached as well: its clients learn where, and bring their own keys', async (context) => {
  const server = await startVersity()
  useRootKeys()
  const { url } = await served(context, { lake: await server.bucket('catalog'), cache: await temporaryFolder(context) })
  // Only now: what is to be done at the end is done in order, and the catalog ends its run in the lake.
  context.after(() => server.close())
  const keys = JSON.stringify({ 's3.access-key-id': ROOT.accessKeyId, 's3.secret-access-key': ROOT.secretAccessKey })
  const reading = PYICEBERG.slice(0, PYICEBERG.indexOf('at = lambda'))
  const { rows: found, files } = (await python(`${reading}json.dump(seen, sys.stdout)`, url, keys)) as { rows: number; files: number }
  assert.deepEqual([found, files], [60, 1])
})

test('DuckDB reads and inserts through the catalog; its row-level deletes are refused', async (context) => {
  const { lakehouse, url } = await served(context, { lake: await temporaryFolder(context) })
  await lakehouse.withTables(true, async (tables) => {
    const shape: TableShape = { fields: [{ id: 1, name: 'id', type: 'long', required: false }], partition: [], sort: [] }
    await tables.create('silver.plain', shape, { 'write.delete.mode': 'merge-on-read' })
    await tables.write('silver.plain', 'SELECT 1::BIGINT AS id', { mode: 'append' })
  })
  const program = `
import duckdb, importlib.util, json, pathlib, sys
con = duckdb.connect()
for name in ('avro', 'httpfs', 'iceberg'):
    folder = pathlib.Path(importlib.util.find_spec('duckdb_extension_' + name).origin).parent
    con.load_extension(str(next(folder.rglob(name + '.duckdb_extension'))))
con.execute(f"ATTACH '' AS lake (TYPE iceberg, ENDPOINT '{sys.argv[1]}', AUTHORIZATION_TYPE 'none')")
seen = [con.sql("SELECT count(*) FROM lake.silver.prices WHERE symbol = 'A'").fetchone()[0]]
con.execute('INSERT INTO lake.silver.plain VALUES (2), (3)')
seen.append(con.sql('SELECT sum(id)::BIGINT FROM lake.silver.plain').fetchone()[0])
json.dump(seen, sys.stdout)
`
  assert.deepEqual(await python(program, url), [30, 6])
  assert.equal(Number((await lakehouse.select('SELECT sum(id)::BIGINT AS n FROM silver.plain'))[0]?.['n']), 6)
  const deleting = program.replace(
    "con.execute('INSERT INTO lake.silver.plain VALUES (2), (3)')",
    "con.execute('DELETE FROM lake.silver.plain WHERE id = 2')",
  )
  await assert.rejects(python(deleting, url), /row-level deletes/)
  assert.equal(Number((await lakehouse.select('SELECT sum(id)::BIGINT AS n FROM silver.plain'))[0]?.['n']), 6)
})

test('the catalog refuses what it cannot do, in the words of the protocol', async (context) => {
  const { url } = await served(context, { lake: await temporaryFolder(context), token: 'secret' })
  const ask = async (method: string, path: string, body?: unknown, token = 'secret', type = 'application/json') => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, type: text === '' ? undefined : (JSON.parse(text) as { error?: { type: string } }).error?.type }
  }
  const none = { requirements: [], updates: [] }
  const uuid = { requirements: [{ type: 'assert-table-uuid', uuid: 'another' }], updates: [] }
  const third = { requirements: [], updates: [{ action: 'upgrade-format-version', 'format-version': 3 }] }
  const nested = {
    name: 'x',
    schema: {
      type: 'struct',
      fields: [{ id: 1, name: 'a', required: false, type: { type: 'list', 'element-id': 2, element: 'long', 'element-required': false } }],
    },
  }
  const elsewhere = {
    name: 'x',
    location: 'file:///tmp/x',
    schema: { type: 'struct', fields: [{ id: 1, name: 'a', required: false, type: 'long' }] },
  }
  const { metadata } = (await (
    await fetch(`${url}/v1/namespaces/silver/tables/prices`, { headers: { authorization: 'Bearer secret' } })
  ).json()) as { metadata: { 'current-snapshot-id': number } }
  const gone = { requirements: [], updates: [{ action: 'remove-snapshots', 'snapshot-ids': [metadata['current-snapshot-id']] }] }
  const spec = { requirements: [], updates: [{ action: 'set-default-spec', 'spec-id': 99 }] }
  const columns = { requirements: [], updates: [{ action: 'set-current-schema', 'schema-id': 99 }] }
  const cases: [ReturnType<typeof ask>, number, string | undefined][] = [
    [ask('GET', 'config', undefined, 'wrong'), 401, 'NotAuthorizedException'],
    [ask('GET', 'namespaces/none'), 404, 'NoSuchNamespaceException'],
    [ask('GET', 'namespaces/none/tables/t'), 404, 'NoSuchTableException'],
    [ask('GET', 'namespaces/silver/tables/none'), 404, 'NoSuchTableException'],
    [ask('HEAD', 'namespaces/silver/tables/none'), 404, undefined],
    [ask('HEAD', 'namespaces/silver/tables/prices'), 204, undefined],
    [ask('POST', 'namespaces/silver/tables/none', none), 404, 'NoSuchTableException'],
    [ask('POST', 'namespaces/silver/tables/prices', uuid), 409, 'CommitFailedException'],
    [ask('POST', 'namespaces/silver/tables/prices', third), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/silver/tables/prices', gone), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/silver/tables/prices', spec), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/silver/tables/prices', columns), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/bronze/tables', { ...elsewhere, name: '_ledger', location: null }), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/silver/tables/prices', { updates: 'x' }), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/silver/tables', nested), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/silver/tables', elsewhere), 400, 'BadRequestException'],
    [ask('POST', 'namespaces/silver/tables', { ...elsewhere, name: 'prices', location: null }), 409, 'AlreadyExistsException'],
    [ask('POST', 'namespaces/silver/tables/prices', none, 'secret', 'text/plain'), 415, 'BadRequestException'],
    [ask('GET', 'namespaces/%E0%A4%A/tables'), 400, 'BadRequestException'],
    [ask('DELETE', 'namespaces/silver/tables/prices'), 406, 'UnsupportedOperationException'],
    [ask('POST', 'namespaces', { namespace: ['mine'] }), 406, 'UnsupportedOperationException'],
  ]
  for (const [index, [answer, status, type]] of cases.entries()) assert.deepEqual(await answer, { status, type }, `case ${index}`)
  const reading = await served(context, { lake: await temporaryFolder(context), readOnly: true })
  const refused = await fetch(`${reading.url}/v1/namespaces/silver/tables/prices`, { method: 'POST', body: '{"updates":[]}' })
  assert.equal(refused.status, 403)
  const { endpoints } = (await (await fetch(`${reading.url}/v1/config`)).json()) as { endpoints: string[] }
  assert.ok(endpoints.every((one) => !one.startsWith('POST') || one.endsWith('/metrics')))
})
