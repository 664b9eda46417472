import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PEERS } from '../../../scripts/peers.ts'
import { thisWriter } from '../../../src/storage/temporary.ts'
import { KEYS, situation } from '../../support/faulty.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { ROOT, type S3Server, startVersity } from '../../support/s3-server.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { contentOf, fill, runSync, stateFor } from '../../support/transfers.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

const FEW = KEYS.slice(0, 60)
const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts')

test('PROCESS, at a signal or limit: begun objects finish, the next run continues', async (context) => {
  const here = await situation(context, server, { keys: FEW })
  const drain = new AbortController()
  setTimeout(() => drain.abort(), 150).unref()
  const slow = { engine: 'relay', bytesPerSecond: 12_000, settings: { concurrency: 2 } } as const
  const drained = await here.sync({ ...slow, drain: drain.signal })
  assert.ok(drained.findings.some(({ check }) => check === 'incomplete'))
  const held = Object.keys(await contentOf(here.real.destination)).length
  assert.deepEqual([drained.counts.objectsCopied, held < FEW.length], [held, true])
  const bounded = await here.sync({ engine: 'relay', maxBytes: 600, settings: { concurrency: 1 } })
  assert.equal(bounded.counts.objectsCopied, 2)
  assert.equal((await here.sync({ maxDurationMs: 0 })).counts.objectsCopied, 0)
  await here.sync()
  await here.assertSame()
})

test('PROCESS, two runs of one transfer: one fails; a dead run loses its lease', async (context) => {
  const state = await stateFor(context)
  const { source, destination } = await situation(context, server, { keys: FEW })
  const slow = runSync(source, destination, { state, bytesPerSecond: 6000, engine: 'relay' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await assert.rejects(runSync(source, destination, { state }), { code: 'TRANSFER_LOCKED' })
  assert.equal((await slow).counts.objectsCopied, FEW.length)
  const [folder = ''] = (await readdir(state)).filter((name) => /^[0-9a-f]{16}$/.test(name))
  const lease = (writer: object) => writeFile(join(state, folder, 'lease.json'), JSON.stringify({ writer, run: 'x' }))
  await lease({ place: 'elsewhere', pid: 1, start: '1' })
  await assert.rejects(runSync(source, destination, { state }), { code: 'TRANSFER_LOCKED' })
  await lease({ ...thisWriter(), start: '1' })
  assert.equal((await runSync(source, destination, { state })).counts.objectsSkipped, FEW.length)
})

test('PROCESS, no disk space for the journal: the run fails, the next one continues', async (context) => {
  const state = await smallDisk(context, 16 << 10)
  if (state === undefined) return
  const here = await situation(context, server, {
    keys: Array.from({ length: 400 }, (_, n) => `a-rather-long-name-for-an-object/of-many/${n}`),
  })
  await assert.rejects(runSync(here.source, here.destination, { state }), { code: 'DISK_FULL' })
  assert.deepEqual((await here.sync()).errors, [])
  await here.assertSame()
})

for (const [name, limits, environment] of [
  ['too few file descriptors', 'ulimit -n 48', {}],
  ['too little memory for the heap', ':', { NODE_OPTIONS: '--max-old-space-size=12' }],
] as const) {
  test(`PROCESS, ${name}: the next run repairs everything`, async (context) => {
    const here = await situation(context, server)
    const env = {
      ...process.env,
      ...environment,
      AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
      LAKEHOUSE_SYNC_STATE: await temporaryFolder(context),
    }
    // Past the proxy, which cannot serve while this process waits.
    const command = `${limits}; exec "$0" "$1" sync "$2" "$3" --engine relay --quiet`
    const { status, signal, stderr } = spawnSync(
      '/bin/sh',
      ['-c', command, process.execPath, MAIN, here.real.source, here.real.destination],
      {
        env,
        encoding: 'utf8',
      },
    )
    assert.ok(status === 0 || signal !== null || status === 134 || /\b[A-Z]+_[A-Z_]+\b/.test(stderr), `${status} ${signal} ${stderr}`)
    assert.deepEqual((await here.sync()).errors, [])
    await here.assertSame()
  })
}

test('PROCESS, refused credentials end the run at once with an error', async (context) => {
  const faults = [{ fault: { kind: 'status', status: 403, code: 'InvalidAccessKeyId' } as const, match: /^Copy/ }]
  const here = await situation(context, server, { keys: FEW, faults })
  await assert.rejects(here.sync(), { code: 'CREDENTIALS_INVALID' })
})

test('PROCESS, credentials that expire in mid-run are fetched again', async (context) => {
  const faults = [{ fault: { kind: 'status', status: 400, code: 'ExpiredToken' } as const, match: /^CopyObject .*3\.zip$/, times: 1 }]
  const here = await situation(context, server, { keys: FEW, faults })
  const { errors, counts } = await here.sync()
  assert.deepEqual([errors, counts.objectsCopied], [[], FEW.length])
  await here.assertSame()
})

test('PROCESS, a wrong local clock is corrected by the clock of the store', async (context) => {
  const faults = [{ fault: { kind: 'status', status: 403, code: 'RequestTimeTooSkewed' } as const, match: /^CopyObject/, times: 1 }]
  const here = await situation(context, server, { keys: FEW.slice(0, 5), faults })
  assert.deepEqual((await here.sync()).errors, [])
  await here.assertSame()
})

test('DELETE, more objects than allowed: none of them is deleted', async (context) => {
  const here = await situation(context, server, { keys: FEW })
  await here.at('destination', (place) => fill(place, ['extra-1', 'extra-2', 'extra-3']))
  const { errors, counts } = await here.sync({ syncMode: 'sync', maxDelete: 2 })
  assert.deepEqual([errors.map(({ code }) => code), counts.objectsDeleted], [['DELETE_REFUSED'], 0])
  assert.equal(Object.keys(await contentOf(here.real.destination)).length, FEW.length + 3)
  assert.equal((await here.sync({ syncMode: 'sync', maxDelete: 3 })).counts.objectsDeleted, 3)
  await here.assertSame()
})

test('DELETE, a run with a failed object deletes nothing', async (context) => {
  const faults = [{ fault: { kind: 'status', status: 403 } as const, match: /^(Copy|Put)Object .*0003\.zip$/ }]
  const here = await situation(context, server, { keys: FEW, faults })
  await here.at('destination', (place) => fill(place, ['extra']))
  const { counts, findings } = await here.sync({ syncMode: 'sync' })
  assert.deepEqual([counts.objectsFailed, counts.objectsDeleted], [1, 0])
  assert.ok(findings.some(({ check }) => check === 'not_deleted'))
})

test('SECRETS, no secret is in state, reports or arguments of s5cmd', async (context) => {
  const state = await stateFor(context)
  const here = await situation(context, server, { keys: FEW.slice(0, 3) })
  const result = await runSync(here.source, here.destination, { state, settings: { s5cmdPath: PEERS.s5cmd }, engine: 's5cmd' })
  const files = (await readdir(state, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  for (const entry of files) assert.ok(!(await readFile(join(entry.parentPath, entry.name), 'utf8')).includes(ROOT.secretAccessKey))
  assert.ok(!JSON.stringify(result).includes(ROOT.secretAccessKey))
})
