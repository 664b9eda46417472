import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { cut, FIELDS, rows } from '../support/everything.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'
import { withoutDigest } from '../support/without-digest.ts'

/** pyiceberg makes and fills silver/foreign with a catalog of its own, in the first or second version of the format, and says where its metadata is. */
const FOREIGN = `
import datetime, glob, json, os, sys
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import MonthTransform
from pyiceberg.types import DoubleType, NestedField, StringType, TimestamptzType
lake, version = sys.argv[1:3]
catalog = SqlCatalog('own', uri=f'sqlite:///{lake}/own.db', warehouse=f'file://{lake}')
catalog.create_namespace('silver')
schema = Schema(NestedField(1, 'symbol', StringType()), NestedField(2, 'ts', TimestamptzType()), NestedField(3, 'price', DoubleType()))
table = catalog.create_table('silver.foreign', schema, location=f'file://{lake}/silver/foreign', partition_spec=PartitionSpec(PartitionField(2, 1000, MonthTransform(), 'ts_month')), properties={'format-version': version})
for month in (1, 2):
    at = [datetime.datetime(2024, month, day, tzinfo=datetime.timezone.utc) for day in range(1, 11)]
    table.append(pa.table({'symbol': ['A', 'B'] * 5, 'ts': pa.array(at, pa.timestamp('us', 'UTC')), 'price': [float(n) for n in range(10)]}))
print(table.metadata_location)
`

async function lakeWith(context: TestContext): Promise<{ lake: string; lakehouse: Lakehouse }> {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  return { lake, lakehouse: openLakehouse({ lake, archive: lake }) }
}

for (const version of ['1', '2']) {
  test(`a table that pyiceberg has written in version ${version} of the format is read, pruned and written on`, async (context) => {
    const { lake, lakehouse } = await lakeWith(context)
    const location = execFileSync(READERS_PYTHON, ['-c', FOREIGN, lake, version], { encoding: 'utf8' }).trim()
    const metadata = await readFile(location.replace('file://', ''), 'utf8')
    assert.equal((JSON.parse(metadata) as { 'format-version': number })['format-version'], Number(version))
    await writeFile(join(lake, 'silver/foreign/metadata/v1.metadata.json'), metadata)
    await writeFile(join(lake, 'silver/foreign/metadata/version-hint.text'), '1')
    const [found] = await lakehouse.select('SELECT count(*)::INTEGER AS n, sum(price) AS price FROM silver.foreign')
    assert.deepEqual(found, { n: 20, price: 90 })
    const [plan] = await lakehouse.explain("SELECT * FROM silver.foreign WHERE ts >= '2024-02-01'", undefined)
    assert.deepEqual([plan?.filesRead, plan?.filesSkipped], [1, 1])
    await lakehouse.withTables(true, async (tables) => {
      assert.deepEqual(await tables.check('silver.foreign'), [])
      await tables.write('silver.foreign', "SELECT 'C' AS symbol, TIMESTAMPTZ '2024-03-01 00:00:00+00' AS ts, 1.5 AS price", {
        mode: 'append',
      })
      await tables.compact('silver.foreign')
      assert.deepEqual(await tables.check('silver.foreign'), [])
    })
    const read = `import sys; from pyiceberg.table import StaticTable; print(StaticTable.from_metadata(sys.argv[1]).scan().to_arrow().num_rows)`
    assert.equal(execFileSync(READERS_PYTHON, ['-c', read, `${lake}/silver/foreign`], { encoding: 'utf8' }).trim(), '21')
  })
}

test('what is not as the metadata says is found, and named with its file', async (context) => {
  const { lake, lakehouse } = await lakeWith(context)
  const folder = join(lake, 'silver/everything')
  await lakehouse.withTables(true, (tables) =>
    tables.write('silver.everything', rows(0, 50), {
      mode: 'append',
      shape: { fields: FIELDS, partition: cut(['ts', 'month']), sort: ['symbol'] },
    }),
  )
  const checkOf = (table: string | undefined) => lakehouse.withTables(false, (tables) => tables.check(table))
  const check = () => checkOf('silver.everything')
  const names = async (pattern: RegExp) => (await readdir(folder, { recursive: true })).filter((name) => pattern.test(name)).toSorted()
  const [data = ''] = await names(/\.parquet$/)
  const [manifest = ''] = await names(/-m\.avro$/)
  const [list = ''] = await names(/snap-.*\.avro$/)
  const version = (await names(/v\d+\.metadata\.json$/)).toSorted().at(-1) ?? ''
  const damages: [string, string, (path: string) => Promise<unknown>, RegExp][] = [
    ['a data file that is gone', data, (path) => rm(path), /file_missing|unreadable/],
    ['one that is cut', data, (path) => truncate(path, 500), /file_size|unreadable/],
    ['one with a flipped byte at its end', data, (path) => flip(path, -5), /unreadable/],
    ['one that is no Parquet', data, (path) => writeFile(path, 'ORC and more'), /file_size|unreadable/],
    ['a manifest that is cut', manifest, (path) => truncate(path, 200), /unreadable|manifest_size/],
    ['a manifest of another kind', manifest, (path) => writeFile(path, 'Obj nothing'), /unreadable|manifest_size/],
    ['a manifest list that is gone', list, (path) => rm(path), /unreadable/],
    ['metadata that are cut', version, (path) => truncate(path, 100), /unreadable/],
  ]
  for (const [what, name, damage, expected] of damages) {
    const path = join(folder, name)
    const good = await readFile(path)
    await damage(path)
    const findings = await check()
    assert.ok(
      findings.some((finding) => expected.test(finding.check)),
      `${what}: ${JSON.stringify(findings)}`,
    )
    assert.ok(
      findings.some(({ explanation }) => explanation.includes(name.split('/').at(-1) ?? '')),
      `${what} names the file: ${JSON.stringify(findings)}`,
    )
    // The other tables are looked at all the same.
    assert.ok(
      (await checkOf(undefined)).some(({ table }) => table === 'silver.everything'),
      what,
    )
    await writeFile(path, good)
    assert.deepEqual(await check(), [], what)
  }
})

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  const index = bytes.length + at
  bytes[index] = (bytes[index] ?? 0) ^ 0xff
  await writeFile(path, bytes)
}

test('files of another kind are refused by their name, never read as Parquet', async (context) => {
  const { lake, lakehouse } = await lakeWith(context)
  await lakehouse.withTables(true, (tables) =>
    tables.write('silver.everything', rows(0, 5), { mode: 'append', shape: { fields: FIELDS, partition: [], sort: [] } }),
  )
  const folder = join(lake, 'silver/everything/metadata')
  const [manifest = ''] = (await readdir(folder)).filter((name) => name.endsWith('-m.avro'))
  const bytes = await readFile(join(folder, manifest))
  // The word stands in the entry with its length before it; another of the same length takes its place.
  const at = bytes.indexOf('PARQUET', bytes.lastIndexOf('.parquet'))
  bytes.write('AVRO   ', at)
  // Other writers do not name their files by content: z takes the place of the first digit.
  const foreign = (name: string) => name.replace(/[0-9a-f](?=[0-9a-f]{31})/, 'z')
  await writeFile(join(folder, foreign(manifest)), bytes)
  const [list = ''] = (await readdir(folder)).filter((name) => name.startsWith('snap-'))
  const lines = await readFile(join(folder, list))
  lines.write(foreign(manifest), lines.indexOf(manifest))
  await writeFile(join(folder, foreign(list)), lines)
  const metadata = await readFile(join(folder, 'v1.metadata.json'), 'utf8')
  await writeFile(join(folder, 'v1.metadata.json'), withoutDigest(metadata).replace(list, foreign(list)))
  await assert.rejects(lakehouse.select('SELECT * FROM silver.everything'), { code: 'TABLE_UNSUPPORTED', message: /is AVRO/ })
})

/** pyiceberg adds Parquet files without field ids to a table that it makes, then renames a column and adds one. */
const ADDED_FILES = `
import os, sys
import pyarrow as pa, pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, LongType, NestedField, StringType
lake = sys.argv[1]
catalog = SqlCatalog('own', uri=f'sqlite:///{lake}/own.db', warehouse=f'file://{lake}')
catalog.create_namespace('silver')
table = catalog.create_table('silver.added', schema=Schema(NestedField(1, 'id', LongType()), NestedField(2, 'name', StringType())), location=f'file://{lake}/silver/added')
os.makedirs(f'{lake}/silver/added/data', exist_ok=True)
paths = []
for n in range(5):
    path = f'{lake}/silver/added/data/f{n}.parquet'
    pq.write_table(pa.table({'id': pa.array([n], pa.int64()), 'name': [f'n{n}']}), path)
    paths.append('file://' + path)
table.add_files(paths)
with table.update_schema() as update:
    update.rename_column('name', 'label')
    update.add_column('price', DoubleType())
print(table.metadata_location)
`

test('files without field ids are read by the name mapping after a schema change, and compaction keeps every value', async (context) => {
  const { lake, lakehouse } = await lakeWith(context)
  const location = execFileSync(READERS_PYTHON, ['-c', ADDED_FILES, lake], { encoding: 'utf8' }).trim()
  const metadata = JSON.parse(await readFile(location.replace('file://', ''), 'utf8')) as { properties: Record<string, string> }
  const install = async (version: number, content: object) => {
    await writeFile(join(lake, `silver/added/metadata/v${version}.metadata.json`), JSON.stringify(content))
    await writeFile(join(lake, 'silver/added/metadata/version-hint.text'), String(version))
  }
  await install(1, metadata)
  const values = async () =>
    (await lakehouse.select('SELECT id::INTEGER AS id, label, price FROM silver.added ORDER BY id')).map(Object.values)
  const expected = Array.from({ length: 5 }, (_, n) => [n, `n${n}`, null])
  assert.deepEqual(await values(), expected)
  await lakehouse.withTables(true, async (tables) => {
    assert.deepEqual(await tables.check('silver.added'), [])
    await tables.write('silver.added', "SELECT 5::BIGINT AS id, 'n5' AS label, 1.5 AS price", { mode: 'append' })
    assert.equal((await tables.compact('silver.added')).filesBefore, 6)
    assert.deepEqual(await tables.check('silver.added'), [])
  })
  assert.deepEqual(await values(), [...expected, [5, 'n5', 1.5]])
})

test('without a name mapping such files are refused, and nothing is written in their place', async (context) => {
  const { lake, lakehouse } = await lakeWith(context)
  const location = execFileSync(READERS_PYTHON, ['-c', ADDED_FILES, lake], { encoding: 'utf8' }).trim()
  const { properties, ...metadata } = JSON.parse(await readFile(location.replace('file://', ''), 'utf8')) as {
    properties: Record<string, string>
  }
  const { 'schema.name-mapping.default': mapping, ...others } = properties
  const install = async (version: number, all: object) => {
    await writeFile(join(lake, `silver/added/metadata/v${version}.metadata.json`), JSON.stringify({ ...metadata, properties: all }))
    await writeFile(join(lake, 'silver/added/metadata/version-hint.text'), String(version))
  }
  await install(1, others)
  await assert.rejects(lakehouse.select('FROM silver.added'), { code: 'TABLE_UNSUPPORTED', message: /f0\.parquet.*name-mapping/ })
  await assert.rejects(
    lakehouse.withTables(true, (tables) => tables.compact('silver.added')),
    { code: 'TABLE_UNSUPPORTED' },
  )
  await install(2, { ...others, 'schema.name-mapping.default': '[{"names": 5}]' })
  await assert.rejects(lakehouse.select('FROM silver.added'), { code: 'TABLE_CORRUPT', message: /name-mapping/ })
  await install(3, { ...others, 'schema.name-mapping.default': mapping })
  assert.equal((await lakehouse.select('SELECT * FROM silver.added WHERE label IS NOT NULL')).length, 5)
})
