import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { lstat, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { lifecycleConfiguration, tierOptions } from '../../src/lake/tiers/tiers.ts'
import { smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { liveState } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

test('old data files move to the directories of their tiers; everything reads them as before', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  const tiers = {
    coolDirectory: join(folder, 'cool'),
    archiveDirectory: join(folder, 'cold'),
    silver: { coolAfterDays: 10, archiveAfterDays: 100 },
  }
  await smallArchive(archive, { start: Date.UTC(2024, 0, 1), days: 40, tradesPerDay: 100, symbols: ['BTCUSDT'], periods: ['daily'] })
  const lakehouse = openLakehouse({ lake, archive, tiers })
  await ingestKlines(lakehouse)
  const before = await liveState(lake)
  const data = join(lake, 'silver/binance_spot_klines_1m/data')
  const files = (await readdir(data, { recursive: true })).filter((name) => name.endsWith('.parquet')).map((name) => join(data, name))
  const old = async (path: string, days: number) => utimes(path, Date.now() / 1000 - days * 86_400, Date.now() / 1000 - days * 86_400)
  await old(files[0] ?? '', 20)
  assert.deepEqual(
    (await lakehouse.moveToTiers(true)).moves.map(({ tier }) => tier),
    ['cool'],
  )
  assert.ok((await lstat(files[0] ?? '')).isFile())
  assert.equal((await lakehouse.moveToTiers(false)).moves.length, 1)
  assert.ok((await lstat(files[0] ?? '')).isSymbolicLink())
  assert.deepEqual((await lakehouse.moveToTiers(false)).moves, [])
  assert.deepEqual(await liveState(lake), before)
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
  assert.equal((await ingestKlines(lakehouse)).counts.partitionsWritten, 0)
  assert.equal(Number((await lakehouse.select('SELECT count(*) AS n FROM silver.binance_spot_klines_1m'))[0]?.['n']), 40 * 1440)
  // A damaged file stays where it is, and is named.
  const other = files[1] ?? ''
  const whole = await readFile(other)
  await writeFile(other, Buffer.concat([whole.subarray(0, -1), Buffer.from([0])]))
  await old(other, 20)
  const { moves, findings } = await lakehouse.moveToTiers(false)
  assert.deepEqual([moves, findings.map(({ check }) => check)], [[], ['file_damaged']])
  assert.match(findings[0]?.explanation ?? '', /is damaged and was not moved: run `lake repair`/)
  await writeFile(other, whole)
  // Older still, it goes on to the next tier, and nothing of it stays in the one before.
  await old(files[0] ?? '', 200)
  assert.deepEqual(
    (await lakehouse.moveToTiers(false)).moves.map(({ tier }) => tier),
    ['archive'],
  )
  const inFolder = async (name: string) =>
    (await readdir(join(folder, name), { recursive: true })).filter((one) => one.endsWith('.parquet')).length
  assert.deepEqual([await inFolder('cool'), await inFolder('cold')], [0, 1])
  assert.deepEqual(await liveState(lake), before)
  // A file that the lake has removed is removed from its tier.
  await rm(files[0] ?? '')
  await lakehouse.moveToTiers(false)
  assert.equal(await inFolder('cold'), 0)
  // What is not ours stays, and a tier and the lake never lie within each other.
  const others = join(folder, 'cold/of-the-user.parquet')
  await writeFile(others, 'x')
  await lakehouse.moveToTiers(false)
  assert.ok(existsSync(others))
  for (const coolDirectory of [join(lake, 'cool'), folder, lake]) {
    const wrong = openLakehouse({ lake, archive, tiers: { coolDirectory } })
    await assert.rejects(wrong.moveToTiers(false), { code: 'CONFIG_INVALID' })
  }
  // The same tier by another name moves nothing.
  await old(files[1] ?? '', 200)
  assert.equal((await lakehouse.moveToTiers(false)).moves.length, 1)
  await symlink(join(folder, 'cold'), join(folder, 'alias'))
  const alias = openLakehouse({ lake, archive, tiers: { ...tiers, archiveDirectory: join(folder, 'alias') } })
  assert.deepEqual((await alias.moveToTiers(false)).moves, [])
  assert.equal(await inFolder('cold'), 2)
})

test('two lakes share a tier, and neither takes what is the other’s', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, { start: Date.UTC(2024, 0, 1), days: 2, tradesPerDay: 50, symbols: ['BTCUSDT'], periods: ['daily'] })
  const tiers = {
    coolDirectory: join(folder, 'cool'),
    silver: { coolAfterDays: 1 },
    bronze: { coolAfterDays: null },
    gold: { coolAfterDays: null },
  }
  const nowMs = () => Date.now() + 5 * 86_400_000
  const houses = ['one', 'two'].map((name) => openLakehouse({ lake: join(folder, name), archive, tiers, nowMs }))
  for (const lakehouse of houses) await ingestKlines(lakehouse)
  for (const lakehouse of houses) assert.equal((await lakehouse.moveToTiers(false)).moves.length, 1)
  for (const lakehouse of houses) assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
})

test('the rules become a lifecycle configuration that moves, and deletes nothing', () => {
  const { Rules: rules } = lifecycleConfiguration(tierOptions.parse({ gold: { coolAfterDays: null } }), 'lake/') as {
    Rules: Record<string, unknown>[]
  }
  assert.deepEqual(
    rules.map((rule) => rule['ID']),
    ['crypto-lakehouse-bronze', 'crypto-lakehouse-silver', 'crypto-lakehouse-uploads'],
  )
  assert.deepEqual(rules[0]?.['Transitions'], [
    { Days: 30, StorageClass: 'STANDARD_IA' },
    { Days: 180, StorageClass: 'GLACIER_IR' },
  ])
  assert.ok(!JSON.stringify(rules).includes('Expiration'))
})
