import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { compileSchema, encodeContainer } from '../../src/lake/iceberg/avro.ts'
import { decodeManifestList } from '../../src/lake/iceberg/manifest-list.ts'
import { mayMatch } from '../../src/lake/iceberg/scan.ts'
import type { TableShape } from '../../src/lake/iceberg/schema.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { resolveAsOf } from '../../src/operations/as-of.ts'
import { localStore } from '../../src/storage/local.ts'
import { isRunning, thisWriter } from '../../src/storage/temporary.ts'
import { smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openEmptyLake, openLakehouse } from '../support/lakehouse.ts'
import { runSync, stateFor } from '../support/transfers.ts'

const SHAPE: TableShape = {
  fields: [
    { id: 1, name: 'id', type: 'long', required: false },
    { id: 2, name: 'px', type: 'double', required: false },
  ],
  partition: [],
  sort: ['id'],
}

const write = (lakehouse: Lakehouse, table: string, rows: string) =>
  lakehouse.withTables(true, (tables) => tables.write(table, rows, { mode: 'append', shape: SHAPE }))

const ids = async (lakehouse: Lakehouse, sql: string) => (await lakehouse.select(sql)).map(({ id }) => Number(id))

async function lakeIn(context: TestContext): Promise<{ folder: string; lake: string; lakehouse: Lakehouse }> {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  await emptyLake(lake)
  return { folder, lake, lakehouse: openLakehouse({ lake, archive: lake }) }
}

test('sums, decimals and NaN leave a query exactly, in every format', async (context) => {
  const lakehouse = await openEmptyLake(context)
  const folder = await temporaryFolder(context)
  const out = join(folder, 'out')
  const sum = 'SELECT sum(x) AS s FROM (VALUES (9007199254740993::BIGINT), (2)) t(x)'
  await lakehouse.query(sum, { format: 'parquet', output: out })
  await mkdir(join(folder, 'raw'))
  const nan = "SELECT 'nan'::DOUBLE AS a, '-inf'::DOUBLE AS b, 1.5 AS c"
  await lakehouse.query(nan, { format: 'json', output: out })
  assert.deepEqual(JSON.parse(await readFile(out, 'utf8')), [{ a: null, b: null, c: 1.5 }])
  const decimals =
    'SELECT 1234567890123456789.12::DECIMAL(38,2) AS d, 1.50::DECIMAL(10,2) AS e, -0.25::DECIMAL(4,2) AS f, 0.00::DECIMAL(4,2) AS g'
  assert.deepEqual(await lakehouse.show(decimals), [{ d: '1234567890123456789.12', e: 1.5, f: -0.25, g: 0 }])
  assert.deepEqual(await lakehouse.show(sum), [{ s: '9007199254740995' }])
  await lakehouse.query(decimals, { format: 'csv', output: out })
  assert.match(await readFile(out, 'utf8'), /1234567890123456789\.12,1\.50/)
})

test('an output that is a pipe or a link stays one', async (context) => {
  const lakehouse = await openEmptyLake(context)
  const folder = await temporaryFolder(context)
  const [pipe, link, target] = ['pipe', 'link.csv', 'target.csv'].map((name) => join(folder, name)) as [string, string, string]
  execFileSync('mkfifo', [pipe])
  await symlink('target.csv', link)
  const read = text(createReadStream(pipe))
  for (const output of [pipe, link]) await lakehouse.query('SELECT 1 AS a', { format: 'csv', output })
  assert.deepEqual([await read, await readFile(target, 'utf8')], ['a\n1\n', 'a\n1\n'])
  assert.deepEqual([(await lstat(pipe)).isFIFO(), (await lstat(link)).isSymbolicLink()], [true, true])
})

test('NaN is greater than every number, also where files are left out by their bounds', async (context) => {
  const { lakehouse } = await lakeIn(context)
  await write(lakehouse, 'silver.t', "SELECT * FROM (VALUES (1, 3.0), (2, 'nan'::DOUBLE), (3, 3.0)) t(id, px)")
  await write(lakehouse, 'silver.t', 'SELECT * FROM (VALUES (4, 10.0), (5, 11.0)) t(id, px)')
  for (const where of ['px > 5', 'px >= 5', 'px <> 3'])
    assert.deepEqual(await ids(lakehouse, `SELECT id FROM silver.t WHERE ${where} ORDER BY id`), [2, 4, 5])
  const bounds = { lower: 3, upper: 3, nulls: 'none' } as const
  assert.equal(mayMatch({ column: 'px', op: '>', value: 5 }, bounds), false)
  assert.equal(mayMatch({ column: 'px', op: '>', value: 5 }, { ...bounds, mayHaveNan: true }), true)
  assert.equal(mayMatch({ column: 'px', op: '<', value: 2 }, { ...bounds, mayHaveNan: true }), false)
})

test('manifest lists of older writers are read: other names, no counts, no partitions', () => {
  const field = (name: string, type: unknown, id: number) => ({ name, type, 'field-id': id })
  const required = [field('manifest_path', 'string', 500), field('manifest_length', 'long', 501), field('partition_spec_id', 'int', 502)]
  const schema = (more: object[]) =>
    compileSchema({ type: 'record', name: 'manifest_file', fields: [...required, field('added_snapshot_id', 'long', 503), ...more] })
  const line = { manifest_path: 'file:///m.avro', manifest_length: 10, partition_spec_id: 0, added_snapshot_id: 7 }
  const older = encodeContainer(schema([field('added_data_files_count', 'int', 504)]), {}, [{ ...line, added_data_files_count: 3 }])
  assert.equal(decodeManifestList(older, 'list', () => [])[0]?.added.files, 3)
  const bare = decodeManifestList(encodeContainer(schema([]), {}, [line]), 'list', () => [])[0]
  assert.deepEqual([bare?.path, bare?.added.files, bare?.partitions], ['file:///m.avro', 0, []])
})

test('a tag that looks like a time or an id is refused; a prefix says what is meant', async (context) => {
  const { lakehouse } = await lakeIn(context)
  await write(lakehouse, 'silver.t', 'SELECT 1 AS id, 1.0 AS px')
  await lakehouse.withTables(true, async (tables) => {
    for (const tag of ['2026-12-01', '20240101', 'tag:x'])
      await assert.rejects(tables.tag('silver.t', tag, undefined), {
        code: 'TABLE_REF_INVALID',
        message: /begin the name of the tag with a letter/,
      })
    await tables.tag('silver.t', 'eod', undefined)
  })
  assert.deepEqual(resolveAsOf('tag:2026-12-01'), { tag: '2026-12-01' })
  assert.deepEqual(resolveAsOf('snapshot:12'), { snapshot: '12' })
  assert.deepEqual(resolveAsOf('time:2024-01-01'), { timeMs: Date.UTC(2024, 0, 1) })
})

test('a tag of the lake pins every table, and a join reads all of them as they were', async (context) => {
  const { lake, lakehouse } = await lakeIn(context)
  for (const table of ['silver.a', 'silver.b']) await write(lakehouse, table, 'SELECT 1 AS id, 1.0 AS px')
  const { out } = await cli(['lake', 'tag', 'close', '--lake', lake], { cwd: lake })
  assert.match(out, /tagged 2 tables/)
  for (const table of ['silver.a', 'silver.b']) await write(lakehouse, table, 'SELECT 2 AS id, 2.0 AS px')
  const joined = 'SELECT id FROM silver.a JOIN silver.b USING (id) ORDER BY id'
  assert.deepEqual(await ids(lakehouse, joined), [1, 2])
  assert.deepEqual(await lakehouse.select(joined, { tag: 'close' }), [{ id: 1n }])
})

test('a lake that was renamed is read and written at once, and relocated for other engines', async (context) => {
  const { folder, lake, lakehouse } = await lakeIn(context)
  await write(lakehouse, 'silver.t', 'SELECT 1 AS id, 1.0 AS px')
  await write(lakehouse, 'silver.t', 'SELECT 2 AS id, 2.0 AS px')
  const moved = join(folder, 'elsewhere')
  await rename(lake, moved)
  const there = openLakehouse({ lake: moved, archive: moved })
  assert.deepEqual(await ids(there, 'SELECT id FROM silver.t ORDER BY id'), [1, 2])
  await write(there, 'silver.t', 'SELECT 3 AS id, 3.0 AS px')
  const { code, out } = await cli(['lake', 'relocate', '--lake', moved], { cwd: folder })
  assert.deepEqual([code, /1 tables \(3 snapshots\) now name this location/.test(out)], [0, true], out)
  const newest =
    (await readdir(join(moved, 'silver/t/metadata')))
      .filter((name) => name.endsWith('.json'))
      .toSorted((a, b) => Number(/\d+/.exec(a)?.[0]) - Number(/\d+/.exec(b)?.[0]))
      .at(-1) ?? ''
  const metadata = await readFile(join(moved, 'silver/t/metadata', newest), 'utf8')
  assert.deepEqual([metadata.includes(`file://${lake}/`), metadata.includes(`file://${moved}/silver/t`)], [false, true])
  assert.deepEqual(await ids(there, 'SELECT id FROM silver.t ORDER BY id'), [1, 2, 3])
  assert.match((await cli(['lake', 'relocate', '--lake', moved], { cwd: folder })).out, /^0 tables/)
})

test('restore puts damaged manifests and ledger segments back, and leaves newer tables', async (context) => {
  const { folder, lake, lakehouse } = await lakeIn(context)
  await write(lakehouse, 'silver.t', 'SELECT 1 AS id, 1.0 AS px')
  await lakehouse.backUp(join(folder, 'backup'))
  await write(lakehouse, 'silver.t', 'SELECT 2 AS id, 2.0 AS px')
  const manifests = (await readdir(join(lake, 'silver/t/metadata'))).filter((name) => name.endsWith('.avro'))
  const backedUp = (await readdir(join(folder, 'backup'), { recursive: true })).map((name) => name.slice(name.lastIndexOf('/') + 1))
  for (const name of manifests.filter((one) => backedUp.includes(one))) {
    const path = join(lake, 'silver/t/metadata', name)
    const bytes = await readFile(path)
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 0xff
    await writeFile(path, bytes)
  }
  await writeFile(join(lake, 'lakehouse.json'), '{"format": 1, "x": 2}')
  const { outcomes } = await lakehouse.restore(join(folder, 'backup'), false)
  assert.deepEqual(
    outcomes.map(({ restored }) => restored),
    [true],
  )
  const again = openLakehouse({ lake, archive: lake })
  assert.deepEqual(await ids(again, 'SELECT id FROM silver.t ORDER BY id'), [1, 2])
  assert.deepEqual(
    (await again.restore(join(folder, 'backup'), false)).outcomes.map(({ restored }) => restored),
    [false],
  )
})

test('what a listing leaves out is named, and nothing is deleted because of it', async (context) => {
  const folder = await temporaryFolder(context)
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  await mkdir(from)
  await writeFile(join(from, 'ok'), 'x')
  await writeFile(join(from, '.tmp-notes'), 'x')
  await symlink(join(folder, 'nowhere'), join(from, 'dangling'))
  await mkdir(to)
  await writeFile(join(to, 'extra'), 'x')
  const { counts, findings } = await runSync(from, to, { state: await stateFor(context), syncMode: 'sync' })
  assert.deepEqual([counts.objectsCopied, counts.objectsDeleted], [2, 0])
  assert.deepEqual(findings.map(({ check }) => check).toSorted(), ['not_copied', 'not_deleted'])
  assert.match(findings.map(({ explanation }) => explanation).join(' '), /dangling/)
})

test('a source that shrank deletes nothing unless it is allowed', async (context) => {
  const folder = await temporaryFolder(context)
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  for (const directory of [from, to]) await mkdir(directory)
  for (let n = 0; n < 30; n++) await writeFile(join(to, `${n}`), 'x')
  await writeFile(join(from, '0'), 'x')
  const state = await stateFor(context)
  const refused = await runSync(from, to, { state, syncMode: 'sync' })
  assert.deepEqual([refused.errors[0]?.code, refused.counts.objectsDeleted], ['DELETE_REFUSED', 0])
  assert.match(refused.errors[0]?.message ?? '', /--min-share/)
  const allowed = await runSync(from, to, { state, syncMode: 'sync', minShare: 0 })
  assert.deepEqual([allowed.errors, allowed.counts.objectsDeleted], [[], 29])
})

test('a dead process that nobody has reaped does not count as running', async (context) => {
  // The shell becomes a program that never asks for the exit code of its child.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'ignore'] })
  context.after(() => parent.kill('SIGKILL'))
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(String(line).trim())
  const start = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[21] ?? ''
  await delay(300)
  assert.equal(isRunning({ ...thisWriter(), pid, start }), false)
  assert.equal(isRunning(thisWriter()), true)
})

test('a file that another table of the lake reaches is not an orphan', async (context) => {
  const { lake, lakehouse } = await lakeIn(context)
  await write(lakehouse, 'silver.one', 'SELECT 1 AS id, 1.0 AS px')
  await write(lakehouse, 'silver.one', 'SELECT 2 AS id, 2.0 AS px')
  await lakehouse.withTables(true, (tables) => tables.compact('silver.one'))
  const store = localStore(lake)
  for await (const { key } of store.list('silver/one/metadata/'))
    await store.put(key.replace('silver/one', 'silver/two'), await store.get(key))
  await lakehouse.withTables(true, async (tables) => {
    await tables.expire('silver.one', { olderThanMs: -60_000, defaultAgeMs: 0, keep: 1, dryRun: false })
    await tables.orphans('silver.one', { beforeMs: Date.now() + 60_000, dryRun: false })
  })
  assert.deepEqual(await ids(lakehouse, 'SELECT id FROM silver.two ORDER BY id'), [1, 2])
})

test('a data file that is lost or cut is built again from bronze, with the same bytes', async (context) => {
  const { folder, lake, lakehouse: _ } = await lakeIn(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, { days: 3, symbols: ['BTCUSDT', 'ETHUSDT'] })
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  const rows = () =>
    lakehouse.select('SELECT count(*) AS n, max(close) AS high, bit_xor(hash(close)) AS all_of_it FROM silver.binance_spot_klines_1m')
  const before = await rows()
  const files = (await readdir(join(lake, 'silver/binance_spot_klines_1m/data'), { recursive: true })).filter((name) =>
    name.endsWith('.parquet'),
  )
  const path = join(lake, 'silver/binance_spot_klines_1m/data', files[0] ?? '')
  const bytes = await readFile(path)
  for (const damaged of [undefined, bytes.subarray(0, bytes.length / 2)]) {
    if (damaged === undefined) await rm(path)
    else await writeFile(path, damaged)
    const { counts } = await ingestKlines(lakehouse)
    assert.equal(counts.partitionsWritten > 0, true)
    assert.deepEqual([await readFile(path), await rows()], [bytes, before])
    assert.equal((await ingestKlines(lakehouse)).counts.partitionsWritten, 0)
  }
})

test('tables and columns that differ only in case give their own rows, or are refused together', async (context) => {
  const { lakehouse } = await lakeIn(context)
  await write(lakehouse, 'silver.UPPER', 'SELECT 1 AS id, 1.0 AS px')
  await write(lakehouse, 'silver.upper', 'SELECT n AS id, 1.0 AS px FROM range(2) t(n)')
  assert.deepEqual(await lakehouse.select('SELECT count(*) AS n FROM silver.UPPER'), [{ n: 1n }])
  assert.deepEqual(await lakehouse.select('SELECT count(*) AS n FROM silver.upper'), [{ n: 2n }])
  await assert.rejects(lakehouse.select('SELECT * FROM silver.UPPER, silver.upper'), {
    code: 'SQL_INVALID',
    message: /differ only in case/,
  })
  const shape: TableShape = {
    fields: [
      { id: 1, name: 'Symbol', type: 'string', required: false },
      { id: 2, name: 'symbol', type: 'string', required: false },
    ],
    partition: [],
    sort: [],
  }
  await lakehouse.withTables(true, (tables) => tables.create('silver.c', shape))
  await lakehouse.withTables(true, (tables) => tables.write('silver.c', "SELECT 'A' AS \"Symbol\", 'b' AS symbol_2", { mode: 'append' }))
  assert.deepEqual(await lakehouse.select("SELECT * FROM silver.c WHERE symbol_2 = 'b'"), [{ Symbol: 'A', symbol_2: 'b' }])
})
