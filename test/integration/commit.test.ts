import assert from 'node:assert/strict'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { commit } from '../../src/lake/iceberg/commit.ts'
import type { DataFile } from '../../src/lake/iceberg/manifest.ts'
import { byPeriod, fieldsOf, type TableShape } from '../../src/lake/iceberg/schema.ts'
import { liveFiles, loadTable, manifestsOf, snapshotOf, urlOf } from '../../src/lake/iceberg/table.ts'
import { removeOrphans } from '../../src/lake/tables/maintain.ts'
import { localStore } from '../../src/storage/local.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { temporaryFolder } from '../support/folders.ts'
import { withoutDigest } from '../support/without-digest.ts'

const ROOT = 'silver/t'
const SHAPE: TableShape = {
  fields: fieldsOf([
    { name: 'symbol', type: 'string', doc: 'x' },
    { name: 'open_time', type: 'instant', doc: 'x' },
    { name: 'close', type: 'double', doc: 'x' },
  ]),
  partition: byPeriod('open_time', 'month'),
  sort: ['symbol', 'open_time'],
}

function file(store: ObjectStore, name: string, partition = 648): DataFile {
  const bounds = new Map<number, string | number>([
    [1, 'A'],
    [2, 1704067200000000],
    [3, 0],
  ])
  return {
    path: urlOf(store, `${ROOT}/data/${name}.parquet`),
    specId: 0,
    partition: [partition],
    rows: 10,
    bytes: 100,
    columnBytes: new Map([[1, 5]]),
    nulls: new Map([[1, 0]]),
    lower: bounds,
    upper: bounds,
    nans: new Map([[3, 0]]),
    sorted: true,
    sha256: name.charCodeAt(0).toString(16).padStart(64, '0'),
  }
}

const deps = (conflicts: { n: number } = { n: 0 }) => ({
  nowMs: () => 1_700_000_000_000,
  random: Math.random,
  onConflict: () => void conflicts.n++,
})

async function live(store: ObjectStore): Promise<string[]> {
  const table = await loadTable(store, ROOT)
  const names: string[] = []
  if (table !== undefined)
    for await (const one of liveFiles(table, snapshotOf(table, undefined))) names.push(one.path.split('/').at(-1) ?? '')
  return names.sort()
}

const append = (store: ObjectStore, name: string) =>
  commit(store, ROOT, SHAPE, deps(), async () => ({ operation: 'append', add: [file(store, name)], remove: new Set() }))

test('what is committed is read back whole: partition, counts, bounds', async (context) => {
  const store = localStore(await temporaryFolder(context))
  await append(store, 'a')
  const table = await loadTable(store, ROOT)
  assert.ok(table !== undefined)
  for await (const one of liveFiles(table, snapshotOf(table, undefined)))
    assert.deepEqual(
      { ...one, lower: [...one.lower], upper: [...one.upper] },
      {
        ...file(store, 'a'),
        lower: [
          [1, 'A'],
          [2, 1704067200000000],
          [3, -0],
        ],
        upper: [
          [1, 'A'],
          [2, 1704067200000000],
          [3, 0],
        ],
      },
    )
  assert.deepEqual(table.shape.partition, SHAPE.partition)
  assert.deepEqual(table.shape.sort, SHAPE.sort)
})

test('writers that commit at once lose nothing: every append is there, and sequence numbers have no gap', async (context) => {
  const store = localStore(await temporaryFolder(context))
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 6; n++) await append(store, `w${writer}-${n}`)
    }),
  )
  const table = await loadTable(store, ROOT)
  assert.equal((await live(store)).length, 48)
  assert.deepEqual(
    table?.metadata.snapshots.map((snapshot) => snapshot['sequence-number']),
    Array.from({ length: 48 }, (_, n) => n + 1),
  )
  assert.equal(snapshotOf(table ?? assert.fail(), undefined)?.summary['total-records'], '480')
  assert.equal(await readFile(await store.files.open(`${ROOT}/metadata/version-hint.text`), 'utf8'), '48')
})

test('manifests are merged before there are many, and the past stays readable', async (context) => {
  const store = localStore(await temporaryFolder(context))
  for (let n = 0; n < 40; n++) await append(store, `f${String(n).padStart(2, '0')}`)
  const table = (await loadTable(store, ROOT)) ?? assert.fail()
  const current = snapshotOf(table, undefined) ?? assert.fail()
  assert.ok((await manifestsOf(table, current)).length <= 13)
  for (const [index, snapshot] of table.metadata.snapshots.entries()) {
    let files = 0
    for await (const _ of liveFiles(table, snapshot)) files++
    assert.equal(files, index + 1)
  }
})

test('an overwrite replaces exactly the named files; one that is gone is a conflict', async (context) => {
  const store = localStore(await temporaryFolder(context))
  for (const name of ['a', 'b', 'c']) await append(store, name)
  const replace = (old: string, by: string) =>
    commit(store, ROOT, SHAPE, deps(), async () => ({
      operation: 'overwrite',
      add: [file(store, by)],
      remove: new Set([file(store, old).path]),
    }))
  await replace('b', 'd')
  assert.deepEqual(await live(store), ['a.parquet', 'c.parquet', 'd.parquet'])
  await assert.rejects(replace('b', 'e'), { code: 'COMMIT_CONFLICT' })
  assert.deepEqual(await live(store), ['a.parquet', 'c.parquet', 'd.parquet'])
})

test('equal histories give equal bytes', async (context) => {
  const folder = await temporaryFolder(context)
  const states: string[] = []
  for (let round = 0; round < 2; round++) {
    const store = localStore(join(folder, 'lake'))
    for (const name of ['a', 'b']) await append(store, name)
    const texts: string[] = []
    for await (const { key } of store.list(`${ROOT}/metadata/`))
      texts.push(`${key} ${Buffer.from(await store.get(key)).toString('base64')}`)
    states.push(texts.join('\n'))
    await rm(join(folder, 'lake'), { recursive: true })
  }
  assert.equal(states[0], states[1])
})

test('a hint that lags or points nowhere does not hide the newest version', async (context) => {
  const store = localStore(await temporaryFolder(context))
  for (const name of ['a', 'b', 'c']) await append(store, name)
  for (const hint of ['1', '99', 'nonsense', '']) {
    await store.put(`${ROOT}/metadata/version-hint.text`, Buffer.from(hint))
    assert.equal((await loadTable(store, ROOT))?.version, 3, hint)
  }
  await store.delete(`${ROOT}/metadata/version-hint.text`)
  assert.equal((await loadTable(store, ROOT))?.version, 3)
})

test('damaged metadata is named, never misread', async (context) => {
  const folder = await temporaryFolder(context)
  const store = localStore(folder)
  await append(store, 'a')
  const table = (await loadTable(store, ROOT)) ?? assert.fail()
  const snapshot = snapshotOf(table, undefined) ?? assert.fail()
  const [line] = await manifestsOf(table, snapshot)
  const manifest = line?.path.slice(store.url.length + 1) ?? ''
  const list = snapshot['manifest-list'].slice(store.url.length + 1)
  const version = `${ROOT}/metadata/v1.metadata.json`
  const readAll = async () => {
    const loaded = (await loadTable(store, ROOT)) ?? assert.fail()
    for await (const _ of liveFiles(loaded, snapshotOf(loaded, undefined)));
  }
  for (const key of [manifest, list, version]) {
    const good = await readFile(join(folder, key))
    for (const length of [0, 10, Math.floor(good.length / 2), good.length - 1]) {
      await truncate(join(folder, key), length)
      await assert.rejects(
        readAll(),
        { code: 'TABLE_CORRUPT', message: new RegExp(key.split('/').at(-1) ?? '') },
        `${key} cut to ${length}`,
      )
    }
    // One flipped bit anywhere is noticed, also where the file can still be decoded.
    for (let at = 0; at < good.length; at += 7) {
      const flipped = Buffer.from(good)
      flipped[at] = (good[at] ?? 0) ^ 1
      await writeFile(join(folder, key), flipped)
      await assert.rejects(readAll(), { code: 'TABLE_CORRUPT' }, `${key}, byte ${at}`)
    }
    await writeFile(join(folder, key), good)
  }
  const text = withoutDigest(await readFile(join(folder, version), 'utf8'))
  await writeFile(join(folder, version), text.replace('"format-version": 2', '"format-version": 3'))
  await assert.rejects(readAll(), { code: 'TABLE_UNSUPPORTED' })
  await writeFile(join(folder, version), text.replace('"double"', '"uuid"'))
  await assert.rejects(readAll(), { code: 'TABLE_UNSUPPORTED' })
  await writeFile(join(folder, version), text)
  await readAll()
})

test('a writer that slept while others committed and cleaned up begins again, instead of taking the table back', async (context) => {
  const store = localStore(await temporaryFolder(context))
  for (let n = 0; n < 3; n++) await append(store, `early-${n}`)
  let isFirst = true
  const sleeper = commit(store, ROOT, SHAPE, deps(), async () => {
    if (isFirst) {
      isFirst = false
      for (let n = 0; n < 30; n++) await append(store, `late-${n}`)
      await removeOrphans(store, ROOT, { beforeMs: Date.now() + 1000, dryRun: false })
      assert.equal(await store.head(`${ROOT}/metadata/v4.metadata.json`), undefined)
    }
    return { operation: 'append', add: [file(store, 'of the sleeper')], remove: new Set() }
  })
  assert.equal((await sleeper)?.version, 34)
  assert.equal((await live(store)).length, 34)
})

test('a table whose metadata names no refs, as old writers leave it, loses nothing by a commit', async (context) => {
  const folder = await temporaryFolder(context)
  const store = localStore(folder)
  await append(store, 'a')
  const path = join(folder, `${ROOT}/metadata/v1.metadata.json`)
  const { refs: _refs, ...metadata } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  await writeFile(path, JSON.stringify(metadata))
  await append(store, 'b')
  assert.deepEqual(await live(store), ['a.parquet', 'b.parquet'])
})
