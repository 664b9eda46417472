import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { beginRun } from '../../src/lake/runs/run.ts'
import { localStore } from '../../src/storage/local.ts'
import { temporaryName, thisWriter } from '../../src/storage/temporary.ts'
import { smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { leftovers } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'
import { runSync, stateFor } from '../support/transfers.ts'

const run = promisify(execFile)

/** A writer of this machine that no longer runs: its number is taken by this process, which began later. */
const DEAD = { ...thisWriter(), start: '1' }

/** The name of a temporary file of a dead process. */
function deadName(): string {
  return temporaryName().replace(/^(\.tmp-[0-9a-f]{16}-\d+)-\d+/, '$1-1')
}

test('any command that writes to a lake removes what killed runs left, and status says that there is something', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  await smallArchive(archive, { symbols: ['BTCUSDT'], days: 1 })
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  assert.deepEqual((await lakehouse.status()).findings, [])
  await writeFile(
    join(lake, 'bronze/_ledger/.runs/killed.json'),
    JSON.stringify({ writer: DEAD, startedAt: '2024-01-01T00:00:00.000Z', state: 'working' }),
  )
  await writeFile(join(lake, 'silver/binance_spot_klines_1m/data/half-a-compaction.parquet'), 'x')
  await writeFile(join(lake, 'gold', deadName()), 'x')
  const [finding] = (await lakehouse.status()).findings
  assert.deepEqual([finding?.check, finding?.severity, finding?.count], ['leftovers', 'info', 1])
  assert.equal((await cli(['status', '--lake', lake], { cwd: folder })).code, 0)
  assert.match(
    (await cli(['doctor', '--lake', lake, '--archive', archive], { cwd: folder })).out,
    /1 runs were killed or failed and may have left files/,
  )
  await lakehouse.withTables(true, (tables) => tables.tag('silver.binance_spot_klines_1m', 'kept', undefined))
  assert.deepEqual(await leftovers(lake), [])
  assert.deepEqual((await lakehouse.status()).findings, [])
})

test('a sync into a directory removes the temporary files of dead processes there, and no others', async (context) => {
  const folder = await temporaryFolder(context)
  const [source, destination] = [join(folder, 'source'), join(folder, 'destination')]
  for (const name of ['a/1.zip', 'a/2.zip', 'b/3.zip']) await localStore(source).put(name, Buffer.from(name))
  await mkdir(join(destination, 'a/empty'), { recursive: true })
  const [dead, alive, foreign] = [
    join(destination, 'a', deadName()),
    join(destination, 'a', temporaryName()),
    join(destination, '.tmp-mine'),
  ]
  for (const path of [dead, alive, foreign]) await writeFile(path, 'x')
  await runSync(source, destination, { state: await stateFor(context) })
  assert.deepEqual([dead, alive, foreign].map(existsSync), [false, true, true])
  assert.ok(existsSync(join(destination, 'b/3.zip')))
})

test('a query with --output removes what a killed one left beside the file', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  await smallArchive(archive, { symbols: ['BTCUSDT'], days: 1 })
  await ingestKlines(openLakehouse({ lake, archive }))
  const out = join(folder, 'out')
  await mkdir(out)
  const [dead, alive] = [join(out, deadName()), join(out, temporaryName())]
  for (const path of [dead, alive]) await writeFile(path, 'x')
  const { code } = await cli(['query', 'SELECT 1 AS one', '--format', 'csv', '--output', join(out, 'one.csv'), '--lake', lake], {
    cwd: folder,
  })
  assert.equal(code, 0)
  assert.deepEqual([dead, alive].map(existsSync), [false, true])
})

test('backups are numbered, so that clocks do not choose the newest; the next one removes what a killed one left', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive, place] = [join(folder, 'lake'), join(folder, 'archive'), join(folder, 'backups')]
  await smallArchive(archive, { symbols: ['BTCUSDT'], days: 1 })
  const at = (nowMs: number) => openLakehouse({ lake, archive, nowMs: () => nowMs })
  await ingestKlines(at(Date.UTC(2026, 0, 1)))
  const first = await at(Date.UTC(2040, 0, 1)).backUp(place)
  const tag = (name: string) =>
    at(Date.UTC(2026, 0, 2)).withTables(true, (tables) => tables.tag('silver.binance_spot_klines_1m', name, undefined))
  await tag('second')
  // Three backups that were not completed: of a dead process, of a living one, and something that is not ours.
  for (const [name, writer] of [
    ['0000007-20260101T000000000Z', DEAD],
    ['0000008-20260101T000000000Z', thisWriter()],
    ['mine', DEAD],
  ] as const) {
    await localStore(place).put(`.writing/${name}.json`, Buffer.from(JSON.stringify(writer)))
    await localStore(join(place, name)).put('silver/half.avro', Buffer.from('x'))
  }
  const second = await at(Date.UTC(2026, 0, 2)).backUp(place)
  assert.deepEqual(
    [first, second].map((one) => one.folder),
    ['0000001-20400101T000000000Z', '0000009-20260102T000000000Z'],
  )
  const names = (await readdir(place)).toSorted()
  assert.deepEqual(names, ['.writing', first.folder, '0000008-20260101T000000000Z', second.folder, 'mine'])
  assert.deepEqual((await readdir(join(place, '.writing'))).toSorted(), ['0000008-20260101T000000000Z.json', 'mine.json'])
  assert.equal((await at(Date.UTC(2026, 0, 3)).restore(place, true)).madeAt, '2026-01-02T00:00:00.000Z')
})

test('a run that waits for one that sweeps names it, and does not wait for ever', async (context) => {
  const folder = await temporaryFolder(context)
  const store = localStore(folder)
  const registration = { writer: thisWriter(), startedAt: '2024-01-01T00:00:00.000Z', state: 'sweeping' }
  await store.put('bronze/_ledger/.runs/other.json', Buffer.from(JSON.stringify(registration)))
  const deps = { nowMs: Date.now, signal: new AbortController().signal, onNotice: () => {} }
  await assert.rejects(beginRun(store, deps, { patienceMs: 200 }), {
    code: 'LAKE_BUSY',
    message: new RegExp(`run other \\(process ${process.pid}\\), which is removing the leftovers`),
  })
  assert.deepEqual(await readdir(join(folder, 'bronze/_ledger/.runs')), ['other.json'])
})

test('limits of the system end in typed errors that say what to raise', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, { symbols: ['BTCUSDT'], days: 1 })
  const bin = join(import.meta.dirname, '../../bin/crypto-lakehouse')
  await run(bin, ['version'])
  const under = async (limit: string, lake: string) => {
    const command = `ulimit ${limit}; exec "$0" ingest klines --archive "$1" --lake "$2" --quiet`
    return await run('/bin/sh', ['-c', command, bin, archive, join(folder, lake)]).then(
      () => '',
      (error: unknown) => String((error as { stderr?: string }).stderr) + String((error as { stdout?: string }).stdout),
    )
  }
  assert.match(
    await under('-n 20', 'few'),
    /only 20 files, but needs at least 64: raise the limit with `ulimit -n 4096` \(FILES_EXHAUSTED\)/,
  )
  assert.match(await under('-f 20', 'small'), /file too large.*\(FILE_TOO_LARGE\)/is)
  assert.equal(await under('-n 64', 'enough'), '')
})
