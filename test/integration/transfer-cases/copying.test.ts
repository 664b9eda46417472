import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Fault, FaultRule } from '../../../src/simulator/faults.ts'
import { createUpload } from '../../../src/storage/s3/operations.ts'
import { KEYS, situation } from '../../support/faulty.ts'
import { openS3, type S3Server, startVersity } from '../../support/s3-server.ts'
import { contentOf, runSync, stateFor } from '../../support/transfers.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

const FEW = KEYS.slice(0, 12)
const LARGE = (21 << 20) + 1

for (const [name, fault, least] of [
  ['200 with an error inside', { kind: 'error-body', code: 'InternalError' }, 1],
  ['a 200 with a truncated body', { kind: 'cut' }, 1],
  ['a 500', { kind: 'status', status: 500 }, 1],
  ['a 409 conflict', { kind: 'status', status: 409, code: 'ConditionalRequestConflict' }, 1],
  ['an answer lost after the copy', { kind: 'lost' }, 1],
  ['a copy repeated after its success', { kind: 'lost' }, 1],
] as const) {
  test(`COPY, ${name}: the copy is repeated and is right`, async (context) => {
    const here = await situation(context, server, { keys: FEW, faults: [{ fault, match: /^Copy/, times: 2 }] })
    const { errors, engines, efficiency } = await here.sync()
    assert.deepEqual([errors, engines], [[], { 'server-copy': FEW.length }])
    assert.ok(efficiency.retries >= least)
    await here.assertSame()
  })
}

test('COPY, a storm of 503: fewer run at once, all arrive, retries are reported', async (context) => {
  const faults: FaultRule[] = [{ fault: { kind: 'status', status: 503 }, match: /^Copy/, probability: 0.3 }]
  const here = await situation(context, server, { faults })
  const { errors, efficiency } = await here.sync({ settings: { attempts: 12 } })
  assert.deepEqual(errors, [])
  assert.ok(efficiency.retries > 30)
  await here.assertSame()
})

test('COPY, 412 because the source changed: the new version is copied', async (context) => {
  const here = await situation(context, server, {
    keys: FEW,
    onRequest: async (operation, name) => {
      if (operation !== 'CopyObject' || !name.endsWith(FEW[0] ?? '')) return
      await here.at('source', ({ store }) => store.put(FEW[5] ?? '', Buffer.from('changed meanwhile')))
    },
  })
  const { errors, counts } = await here.sync()
  assert.deepEqual([errors, counts.objectsCopied], [[], FEW.length])
  await here.assertSame()
})

test('COPY, 404 because the source vanished: it is a finding, not a failure', async (context) => {
  const here = await situation(context, server, {
    keys: FEW,
    onRequest: async (operation, name) => {
      if (operation !== 'CopyObject' || !name.endsWith(FEW[0] ?? '')) return
      await here.at('source', ({ store }) => store.delete(FEW[8] ?? ''))
    },
  })
  const { errors, counts, findings } = await here.sync()
  assert.deepEqual([errors, counts.objectsVanished, counts.objectsCopied], [[], 1, FEW.length - 1])
  assert.ok(findings.some(({ check }) => check === 'vanished'))
  await here.assertSame()
})

test('COPY, 403 in mid-run: only the remaining objects use another engine', async (context) => {
  const faults: FaultRule[] = [{ fault: { kind: 'status', status: 403 }, match: /^CopyObject .*[02468]\.zip$/ }]
  const here = await situation(context, server, { faults })
  const { errors, engines } = await here.sync()
  assert.deepEqual(errors, [])
  assert.ok((engines['server-copy'] ?? 0) > 0 && (engines.relay ?? 0) > 0)
  assert.equal(here.requests.get('PutObject'), engines.relay, 'each of them once')
  await here.assertSame()
})

test('COPY, refused from the start: only three objects try the engine', async (context) => {
  const notices: string[] = []
  const here = await situation(context, server, { faults: [{ fault: { kind: 'status', status: 403 }, match: /^Copy/ }] })
  assert.deepEqual((await here.sync({ notices })).engines, { relay: KEYS.length })
  assert.equal(here.requests.get('CopyObject'), 3)
  assert.ok(notices.some((text) => /no longer uses server-copy/.test(text)))
  await here.assertSame()
})

for (const [name, status] of [
  ['301', 301],
  ['400', 400],
] as const) {
  test(`COPY, ${name} because the region is not named: another engine copies`, async (context) => {
    const code = status === 301 ? 'PermanentRedirect' : 'AuthorizationHeaderMalformed'
    const here = await situation(context, server, { keys: FEW, faults: [{ fault: { kind: 'status', status, code }, match: /^Copy/ }] })
    const { errors, engines } = await here.sync()
    assert.deepEqual([errors, engines], [[], { relay: FEW.length }])
    await here.assertSame()
  })
}

test('COPY, one byte around the limit of one request: all copies are right', async (context) => {
  // The server takes 8 MiB at once, where Amazon takes 5 GiB; parts are asked for that are too large for it, and become smaller.
  const here = await situation(context, server, { keys: [] })
  const sizes = [-1, 0, 1].map((more) => (8 << 20) + more)
  for (const size of sizes) await here.at('source', ({ store }) => store.put(`size-${size}`, Buffer.alloc(size, size % 251)))
  const { errors, engines, efficiency } = await here.sync({ settings: { partSizeMb: 64 } })
  assert.deepEqual([errors, engines], [[], { 'server-copy': 3 }])
  assert.ok((efficiency.requests['UploadPartCopy'] ?? 0) >= 2)
  assert.equal(efficiency.requests['GetObject'], undefined)
  await here.assertSame()
})

test('COPY, empty objects are copied', async (context) => {
  const here = await situation(context, server, { keys: [] })
  await here.at('source', ({ store }) => store.put('empty', Buffer.alloc(0)))
  for (const engine of ['server-copy', 'relay', 'traditional'] as const) {
    await here.at('destination', ({ store }) => store.delete('empty'))
    assert.deepEqual((await here.sync({ engine })).errors, [], engine)
    await here.assertSame()
  }
})

test('COPY, an address onto itself: nothing is copied or deleted', async (context) => {
  const here = await situation(context, server, { keys: FEW })
  const before = await contentOf(here.real.source)
  const state = await stateFor(context)
  const { counts } = await runSync(here.source, here.source, { state, syncMode: 'sync' })
  assert.deepEqual([counts.objectsPlanned, counts.objectsDeleted, counts.objectsSkipped], [0, 0, FEW.length])
  await assert.rejects(runSync(here.source, here.source, { state, incremental: false }), { code: 'USAGE' })
  const below = here.source.replace('?', '/data?')
  await assert.rejects(runSync(here.source, below, { state }), { code: 'USAGE' })
  await assert.rejects(runSync(below, here.source, { state, syncMode: 'sync' }), { code: 'USAGE' })
  assert.deepEqual(await contentOf(here.real.source), before)
})

for (const engine of ['server-copy', 'relay'] as const) {
  const parts: [string, Fault, RegExp][] = [
    ['a part that fails', { kind: 'status', status: 500 }, /^UploadPart/],
    ['a part that is reset', { kind: 'reset' }, /^UploadPart/],
    ['a completion with an error under 200', { kind: 'error-body', code: 'InternalError' }, /^CompleteMultipartUpload/],
    ['a completion whose answer is lost', { kind: 'lost' }, /^CompleteMultipartUpload/],
    ['an upload that the store does not know any more', { kind: 'status', status: 404, code: 'NoSuchUpload' }, /^UploadPart/],
    ['an upload that cannot be aborted', { kind: 'status', status: 404, code: 'NoSuchUpload' }, /^(UploadPart|AbortMultipart)/],
  ]
  if (engine === 'server-copy')
    parts.push(['a part with an error under 200', { kind: 'error-body', code: 'InternalError' }, /^UploadPartCopy/])
  for (const [name, fault, match] of parts) {
    test(`PARTS by ${engine}, ${name}: the object arrives whole`, async (context) => {
      const here = await situation(context, server, { keys: [], faults: [{ fault, match, times: 1 }] })
      await here.at('source', ({ store }) => store.put('large', Buffer.alloc(LARGE, 3)))
      const { errors, counts } = await here.sync({ engine })
      assert.deepEqual([errors, counts.objectsCopied], [[], 1])
      // An upload that could not be aborted belongs to no run: the next run, a second later, removes it.
      await new Promise((resolve) => setTimeout(resolve, 1100))
      await here.sync({ engine })
      await here.assertSame()
    })
  }

  test(`PARTS by ${engine}, the source changes between parts: no object mixes versions`, async (context) => {
    let parts = 0
    const here = await situation(context, server, {
      keys: [],
      onRequest: async (operation) => {
        if (!operation.startsWith('UploadPart') || ++parts !== 2) return
        await here.at('source', ({ store }) => store.put('large', Buffer.alloc(LARGE, 4)))
      },
    })
    await here.at('source', ({ store }) => store.put('large', Buffer.alloc(LARGE, 3)))
    assert.deepEqual((await here.sync({ engine, settings: { partSizeMb: 5 } })).errors, [])
    // All parts may have been opened before the change: then the copy is the former object, whole, and the next run brings the new one.
    const whole = [3, 4].map((byte) => createHash('sha256').update(Buffer.alloc(LARGE, byte)).digest('hex'))
    assert.ok(whole.includes((await contentOf(here.real.destination))['large'] ?? ''))
    assert.deepEqual((await here.sync({ engine })).errors, [])
    await here.assertSame()
  })
}

test('PARTS, uploads left by killed runs are aborted, only for objects of the source', async (context) => {
  const here = await situation(context, server, { keys: FEW })
  await here.at('destination', async ({ s3 }) => {
    await createUpload(s3 ?? assert.fail(), FEW[0] ?? '')
  })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await here.sync()
  await here.assertSame()
  const place = openS3(here.real.destination)
  await createUpload(place.s3 ?? assert.fail(), 'of/somebody-else')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await here.sync()
  await assert.rejects(here.assertSame(), /somebody-else/)
  place.close()
})

test('COPY, the journal records engine, proof and earlier attempts of each object', async (context) => {
  const faults: FaultRule[] = [{ fault: { kind: 'status', status: 403 }, match: /^CopyObject .*4\.zip$/ }]
  const here = await situation(context, server, { keys: FEW, faults })
  const state = await stateFor(context)
  const { run } = await runSync(here.source, here.destination, { state })
  const { globSync } = await import('node:fs')
  const [journal = ''] = globSync(`${state}/*/runs/${run}.ndjson`)
  const lines = (await readFile(journal, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(lines.map(({ key }) => key).toSorted(), [...FEW].toSorted())
  const moved = lines.find(({ key }) => String(key).endsWith('4.zip'))
  assert.deepEqual([moved?.['engine'], moved?.['history'], moved?.['proof']], ['relay', ['server-copy: STORE_REFUSED'], 'etag'])
})
