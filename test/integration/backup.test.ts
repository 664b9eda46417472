import assert from 'node:assert/strict'
import { cp, readdir, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { liveState } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const TABLE = 'silver.binance_spot_klines_1m'
const ARCHIVE = { start: Date.UTC(2024, 0, 1), days: 40, tradesPerDay: 100, symbols: ['BTCUSDT'], periods: ['daily'] as const }

test('a backup brings back tables that are lost, damaged or older, leaves the others, and the ledger goes on', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive, place] = [join(folder, 'lake'), join(folder, 'archive'), join(folder, 'backups')]
  await smallArchive(archive, ARCHIVE)
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  await lakehouse.withTables(true, (tables) => tables.tag(TABLE, 'kept', undefined))
  const before = await liveState(lake)
  const { counts } = await lakehouse.backUp(place)
  assert.ok(counts.objects > 20 && counts.tables > 5)
  assert.deepEqual(
    (await lakehouse.restore(place, false)).outcomes.filter((one) => one.restored),
    [],
  )
  // One table loses its newest version, one all its metadata, one a manifest list; and a part of the ledger is gone.
  const metadata = (root: string) => join(lake, root, 'metadata')
  const newest =
    (await readdir(metadata('silver/binance_spot_klines_1m')))
      .filter((name) => name.endsWith('.json'))
      .toSorted()
      .at(-1) ?? ''
  await truncate(join(metadata('silver/binance_spot_klines_1m'), newest), 100)
  await rm(metadata('gold/binance_spot_bars_1h'), { recursive: true })
  for (const name of await readdir(metadata('gold/binance_spot_bars_1d')))
    if (name.startsWith('snap-')) await rm(join(metadata('gold/binance_spot_bars_1d'), name))
  const ledger = join(lake, 'bronze/_ledger')
  const [segment = ''] = (await readdir(ledger)).filter((name) => name.endsWith('.ndjson'))
  await rm(join(ledger, segment))
  await assert.rejects(lakehouse.select(`SELECT count(*) FROM ${TABLE}`))
  const planned = await lakehouse.restore(place, true)
  assert.equal(planned.outcomes.filter((one) => one.restored).length, 3)
  const done = await lakehouse.restore(place, false)
  assert.deepEqual([done.outcomes.filter((one) => one.restored).length, done.segments], [3, 1])
  assert.deepEqual(await liveState(lake), before)
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
  assert.equal(Number((await lakehouse.select(`SELECT count(*) AS n FROM ${TABLE}`, { tag: 'kept' }))[0]?.['n']), 40 * 1440)
  assert.equal((await ingestKlines(lakehouse)).counts.partitionsWritten, 0)
})

test('a lake whose files were copied elsewhere is opened there by its backup', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, moved, archive, place] = [join(folder, 'lake'), join(folder, 'elsewhere'), join(folder, 'archive'), join(folder, 'backups')]
  await smallArchive(archive, ARCHIVE)
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  await lakehouse.backUp(place)
  const there = openLakehouse({ lake: moved, archive })
  await there.restore(place, false)
  for (const layer of ['bronze', 'silver', 'gold'])
    await cp(join(lake, layer), join(moved, layer), { recursive: true, filter: (source) => !/\/metadata(\/|$)|_ledger/.test(source) })
  await rm(lake, { recursive: true })
  assert.deepEqual(await there.withTables(false, (tables) => tables.check(undefined)), [])
  assert.equal(Number((await there.select(`SELECT count(*) AS n FROM ${TABLE}`))[0]?.['n']), 40 * 1440)
  assert.equal((await ingestKlines(there)).counts.partitionsWritten, 0, 'and ingestion goes on there')
  // What has been committed since is newer than the backup, whatever the numbers of versions say.
  await there.withTables(true, (tables) =>
    tables.write(TABLE, `FROM read_parquet('${moved}/silver/binance_spot_klines_1m/data/*/*.parquet') LIMIT 7`, { mode: 'append' }),
  )
  assert.deepEqual(
    (await there.restore(place, false)).outcomes.filter((one) => one.restored),
    [],
  )
})

test('a backup that was altered, or is none, brings nothing back', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive, place] = [join(folder, 'lake'), join(folder, 'archive'), join(folder, 'backups')]
  await smallArchive(archive, { ...ARCHIVE, days: 2 })
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  await assert.rejects(lakehouse.restore(place, false), { code: 'OBJECT_NOT_FOUND' })
  const { folder: made } = await lakehouse.backUp(place)
  const tables = join(place, made, 'silver/binance_spot_klines_1m/metadata')
  const [manifest = ''] = (await readdir(tables)).filter((name) => name.endsWith('-m.avro'))
  await truncate(join(tables, manifest), 10)
  await rm(join(lake, 'silver'), { recursive: true })
  await assert.rejects(lakehouse.restore(place, false), { code: 'CHECKSUM_MISMATCH' })
})
