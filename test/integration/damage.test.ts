import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { damageOne, type Hurt, isGood, makeDamagedLake } from '../support/damage-matrix.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

// The whole matrix is `npm run test:damage`; these are the kinds that end differently.

const CASES: readonly (readonly [kind: string, hurt: Hurt, repairedBy: string])[] = [
  ['lake marker', 'flipped byte', '`lake repair` (always the same)'],
  ['ledger segment', 'flipped byte', '`lake repair --from` a backup'],
  ['last ledger segment of a run', 'absence', '`lake repair --from` a backup'],
  ['raw object', 'flipped byte', '`lake repair` (archive)'],
  ['checksum file', 'absence', '`lake repair` (ledger)'],
  ['former revision', 'flipped byte', '`lake repair --from` a copy'],
  ['silver data file', 'flipped byte', '`lake repair` (bronze)'],
  ['gold data file', 'cut tail', '`lake repair` (silver)'],
  ['data file of a table of the user', 'flipped byte', '`lake repair --from` a copy'],
  ['manifest', 'absence', '`lake repair --from` a backup'],
  ['table metadata', 'flipped byte', '`lake repair --from` a backup'],
  ['version hint', 'flipped byte', '`lake repair` (table)'],
]

test('a damaged file of each kind is found by its digest and made again from where it comes from', async (context) => {
  const made = await makeDamagedLake(await temporaryFolder(context))
  const clean = await made.lakehouse().withTables(false, (tables) => tables.check(undefined, { deep: true }))
  assert.deepEqual(clean, [])
  for (const [kind, hurt, repairedBy] of CASES)
    await context.test(`${kind}, ${hurt}`, async () => {
      const ending = await damageOne(made, kind, hurt)
      assert.equal(ending.repairedBy, repairedBy)
      assert.ok(isGood(ending), JSON.stringify(ending))
    })
})

test('from the command line: deep checks and repairs name the file, set it aside, and say what is lost', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  await smallArchive(archive, { days: 1, symbols: ['BTCUSDT'] })
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse, { layers: ['bronze', 'silver'] })
  const data = join(lake, 'silver/binance_spot_klines_1m/data')
  const [name = ''] = (await readdir(data, { recursive: true })).filter((file) => file.endsWith('.parquet'))
  const bytes = await readFile(join(data, name))
  const flipped = Buffer.from(bytes)
  flipped[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  const run = (...args: string[]) => cli([...args, '--lake', lake], { cwd: folder, env: { LAKEHOUSE_ARCHIVE_ORIGIN: archive } })
  await writeFile(join(data, name), flipped)
  const checked = await run('tables', 'check', '--deep')
  assert.equal(checked.code, 3)
  assert.match(checked.out, new RegExp(`${name.split('/').at(-1)} \\(data file\\) is damaged.*run \`lake repair\``, 's'))
  assert.equal((await run('tables', 'check', 'silver.binance_spot_klines_1m', '--deep')).code, 3)
  const planned = JSON.parse((await run('lake', 'repair', '--dry-run', '--json')).out)
  assert.deepEqual([planned.counts.filesDamaged, planned.items[0].outcome], [1, 'found'])
  assert.deepEqual(await readFile(join(data, name)), flipped)
  const repaired = await run('lake', 'repair')
  assert.equal(repaired.code, 0, repaired.err)
  assert.match(repaired.out, /repaired +data file +bytes +bronze/)
  assert.match(repaired.out, /1 of 1 damaged files repaired, 0 lost/)
  assert.deepEqual(await readFile(join(data, name)), bytes)
  assert.deepEqual(await readFile(join(lake, 'quarantine/damaged/silver/binance_spot_klines_1m/data', name)), flipped)
  assert.match((await run('lake', 'repair')).out, /every file is as it was written/)
  // A compaction refuses what is damaged.
  await lakehouse.withTables(true, (tables) => tables.write('gold.own', 'SELECT 1 AS id', { mode: 'append', shape: SHAPE }))
  for (let n = 0; n < 3; n++)
    await lakehouse.withTables(true, (tables) => tables.write('gold.own', `SELECT ${n} + 2 AS id`, { mode: 'append' }))
  const own = join(lake, 'gold/own/data')
  const [first = ''] = await readdir(own)
  const whole = await readFile(join(own, first))
  whole[whole.length >> 1] = (whole[whole.length >> 1] ?? 0) ^ 1
  await writeFile(join(own, first), whole)
  await assert.rejects(
    lakehouse.withTables(true, (tables) => tables.compact('gold.own')),
    { code: 'TABLE_CORRUPT', message: /is damaged, so nothing was rewritten: run `lake repair`/ },
  )
  // Nothing can make a table of the user again.
  const lost = await run('lake', 'repair')
  assert.equal(lost.code, 3)
  assert.match(lost.out, /0 of 1 damaged files repaired, 1 lost/)
  assert.match(lost.out, /file_lost.*run `lake repair --from` with a backup or a copy of the lake/s)
  assert.equal((await cli(['lake', 'repair', '--lake', join(folder, 'nowhere')], { cwd: folder })).code, 2)
  assert.match((await run('lake', 'repair', '--from', join(folder, 'archive'))).err, /holds neither a backup nor a copy of a lake/)
})

const SHAPE = { fields: [{ id: 1, name: 'id', type: 'int', required: false }], partition: [], sort: [] } as const
