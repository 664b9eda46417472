import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { PEERS } from '../../../scripts/peers.ts'
import { headObject, putObject } from '../../../src/storage/s3/operations.ts'
import { KEYS, type Situation, situation } from '../../support/faulty.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { type S3Server, startVersity } from '../../support/s3-server.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

const FEW = KEYS.slice(0, 6)
const GOOD = 'v2.3.0-991c9fb'

/** A program that stands in for s5cmd: it tells a version, and `run` does what the script says. */
async function standIn(context: TestContext, version: string, script: string): Promise<string> {
  const path = join(await temporaryFolder(context), 's5cmd')
  await writeFile(path, `#!/bin/sh\nif [ "$1" = version ]; then echo "${version}"; exit 0; fi\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

/** For each line of a batch, its source and destination in $src and $dst. */
const EACH = `while read line; do src=$(echo "$line" | sed "s/.*'\\(s3:[^']*\\)' '.*/\\1/"); dst=$(echo "$line" | sed "s/.* '\\(s3:[^']*\\)'$/\\1/");`
const TELL_SUCCESS = `echo "{\\"operation\\":\\"cp\\",\\"success\\":true,\\"source\\":\\"$src\\",\\"destination\\":\\"$dst\\"}"`
const TELL_ERROR = `echo "{\\"operation\\":\\"cp\\",\\"command\\":\\"cp $src $dst\\",\\"error\\":\\"AccessDenied: status code: 403\\"}" >&2`

async function arrivesWith(here: Situation, s5cmdPath: string): Promise<void> {
  const { errors, engines } = await here.sync({ engine: 's5cmd', settings: { s5cmdPath, idleTimeoutMs: 500 } })
  assert.deepEqual([errors, engines], [[], { 'server-copy': FEW.length }])
  await here.assertSame()
}

for (const [name, version, script] of [
  ['an old program', 'v2.2.2-48f7e59', 'exit 0'],
  ['a program of a future version', 'v3.0.0', 'exit 0'],
  ['a program without a version', 'hello', 'exit 0'],
  ['a hang that the watchdog ends', GOOD, 'sleep 600'],
  ['a hang after its first lines', GOOD, `${EACH} ${TELL_ERROR}; sleep 600; done`],
  ['output in an unknown format', GOOD, 'cat > /dev/null; echo "NAME: usage"; echo "{not json"; echo "[1,2]"; exit 0'],
  ['exit code 0 with errors', GOOD, `${EACH} ${TELL_ERROR}; done; exit 0`],
  ['exit code 1 without output', GOOD, 'cat > /dev/null; exit 1'],
  ['objects that it does not report', GOOD, `${EACH} case $src in *0.zip) ${TELL_ERROR};; esac; done; exit 0`],
  ['reported success without a copy', GOOD, `${EACH} ${TELL_SUCCESS}; done`],
  ['a death in mid-batch', GOOD, 'head -1 > /dev/null; kill -9 $$'],
] as const) {
  test(`S5CMD, ${name}: every object still arrives`, async (context) => {
    await arrivesWith(await situation(context, server, { keys: FEW }), await standIn(context, version, script))
  })
}

test('S5CMD, a missing program: another engine copies, or the run fails', async (context) => {
  const missing = join(await temporaryFolder(context), 'not-there')
  const here = await situation(context, server, { keys: FEW })
  await arrivesWith(here, missing)
  await assert.rejects(here.sync({ engine: 's5cmd', mode: 'direct_sync', settings: { s5cmdPath: missing } }), { code: 'S5CMD_UNAVAILABLE' })
})

test('S5CMD, real program: batches of many objects, checked at the destination', async (context) => {
  const keys = Array.from({ length: 1200 }, (_, n) => `many/object-${n}`)
  const here = await situation(context, server, { keys })
  for (const batching of ['size_based', 'count_based', 'mixed'] as const) {
    await here.at('destination', async ({ store }) => {
      for (const key of keys.slice(0, 300)) await store.delete(key)
    })
    const { errors, engines } = await here.sync({ engine: 's5cmd', settings: { s5cmdPath: PEERS.s5cmd, batching, batchSize: 77 } })
    assert.deepEqual([errors, engines], [[], { s5cmd: batching === 'size_based' ? 1200 : 300 }])
  }
  await here.assertSame()
})

test('S5CMD, real program: metadata is copied with the object', async (context) => {
  const here = await situation(context, server, { keys: [] })
  const headers = { 'content-type': 'text/csv', 'x-amz-meta-origin': 'there' }
  await here.at('source', ({ s3 }) => putObject(s3 ?? assert.fail(), 'x.csv', Buffer.from('a,b'), { headers }))
  assert.deepEqual((await here.sync({ engine: 's5cmd', settings: { s5cmdPath: PEERS.s5cmd } })).engines, { s5cmd: 1 })
  await here.at('destination', async ({ s3 }) =>
    assert.deepEqual({ ...(await headObject(s3 ?? assert.fail(), 'x.csv'))?.carried }, headers),
  )
})

test('S5CMD, real program: keys with special characters arrive unchanged', async (context) => {
  const keys = ["it's", '"quoted"', "'", 'a*b?c', '# no comment', 'back\\slash', '$HOME', '`id`', 'a;b&c|d', '-p', '漢字', '%41']
  const here = await situation(context, server, { keys })
  const { errors, counts, engines } = await here.sync({ engine: 's5cmd', settings: { s5cmdPath: PEERS.s5cmd } })
  assert.deepEqual([errors, counts.objectsCopied], [[], keys.length])
  assert.ok((engines.s5cmd ?? 0) > 0)
  await here.assertSame()
})

test('S5CMD, an object too large for one request uses another engine', async (context) => {
  const here = await situation(context, server, { keys: FEW })
  await here.at('source', ({ store }) => store.put('large', Buffer.alloc(9 << 20)))
  const { errors, engines } = await here.sync({ engine: 's5cmd', settings: { s5cmdPath: PEERS.s5cmd } })
  assert.deepEqual([errors, engines], [[], { s5cmd: FEW.length, 'server-copy': 1 }])
  await here.assertSame()
})
