import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { FaultRule } from '../../simulator/faults.ts'
import { proxyS3, type S3Proxy } from '../../simulator/s3-proxy.ts'
import { listUploads } from '../../src/storage/s3/operations.ts'
import { openS3, type S3Server, startVersity } from '../support/s3-server.ts'
import { contentOf, fill, runSync, type SyncChoices, stateFor } from '../support/transfers.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

const KEYS = Array.from({ length: 300 }, (_, n) => `data/${n % 7}/object-${String(n).padStart(4, '0')}.zip`)

let buckets = 0

/** A filled source and an empty destination, both behind a proxy with faults. */
async function behind(
  faults: readonly FaultRule[],
  keys: readonly string[] = KEYS,
): Promise<{ proxy: S3Proxy; source: string; destination: string; real: { source: string; destination: string } }> {
  const id = buckets++
  const real = { source: await server.bucket(`src-${id}`), destination: await server.bucket(`dst-${id}`) }
  const place = openS3(real.source)
  await fill(place, keys)
  place.close()
  const proxy = await proxyS3({ endpoint: server.endpoint, faults, seed: `round ${id}` })
  const through = (address: string) => address.replace(server.endpoint, proxy.endpoint)
  return { proxy, source: through(real.source), destination: through(real.destination), real }
}

async function sameAfter(faults: readonly FaultRule[], choices: Omit<SyncChoices, 'state'> & { state: string }, keys?: readonly string[]) {
  const { proxy, source, destination, real } = await behind(faults, keys)
  try {
    const result = await runSync(source, destination, choices)
    assert.deepEqual(await contentOf(real.destination), await contentOf(real.source))
    const place = openS3(real.destination)
    assert.deepEqual(await listUploads(place.s3 ?? assert.fail(), ''), [])
    place.close()
    return { result, requests: proxy.requests }
  } finally {
    await proxy.close()
  }
}

for (const engine of ['server-copy', 'relay', 'traditional'] as const) {
  test(`${engine}: refusals, resets, lost answers and errors under 200 change nothing of the end`, async (context) => {
    const faults: FaultRule[] = [
      { fault: { kind: 'status', status: 503 }, match: /^(Copy|Get|Put|List)/, probability: 0.05 },
      { fault: { kind: 'status', status: 500 }, match: /^(Copy|Get|Put)/, probability: 0.02 },
      { fault: { kind: 'reset' }, match: /^(Copy|Get|Put|List)/, probability: 0.02 },
      { fault: { kind: 'lost' }, match: /^(Copy|Put)/, probability: 0.02 },
      { fault: { kind: 'error-body', code: 'InternalError' }, match: /^Copy/, probability: 0.03 },
      { fault: { kind: 'cut' }, match: /^(Copy|List)/, probability: 0.02 },
      { fault: { kind: 'short' }, match: /^Get/, probability: 0.03 },
      { fault: { kind: 'stall' }, match: /^(Copy|Get|Put)/, probability: 0.005 },
    ]
    const { result } = await sameAfter(faults, {
      engine,
      mode: 'auto',
      state: await stateFor(context),
      settings: { attempts: 8, idleTimeoutMs: 400 },
    })
    assert.deepEqual([result.errors, result.counts.objectsCopied], [[], KEYS.length])
    assert.ok(result.efficiency.retries > 5)
  })
}

test('every kind of damage to a copy is noticed and mended, one at a time', async (context) => {
  const cases: [string, FaultRule['fault'], RegExp][] = [
    ['200 with an error inside', { kind: 'error-body', code: 'InternalError' }, /^Copy/],
    ['a 200 whose body is cut', { kind: 'cut' }, /^Copy/],
    ['a 503', { kind: 'status', status: 503 }, /^Copy/],
    ['a 409', { kind: 'status', status: 409, code: 'ConditionalRequestConflict' }, /^Copy/],
    ['an answer lost after the copy was made', { kind: 'lost' }, /^Copy/],
    ['a listing with an error inside', { kind: 'error-body', code: 'InternalError' }, /^List/],
    ['a listing that is cut', { kind: 'cut' }, /^List/],
    ['a listing that is reset', { kind: 'reset' }, /^List/],
  ]
  for (const [name, fault, match] of cases) {
    const rules = [{ fault, match, times: 2 }]
    const { result } = await sameAfter(rules, { state: await stateFor(context), settings: { attempts: 6 } }, KEYS.slice(0, 5))
    assert.deepEqual([result.errors, result.counts.objectsCopied, result.engines], [[], 5, { 'server-copy': 5 }], name)
  }
})

test('parts: a part that fails, a completion that is lost or an error under 200 leave the object whole and no upload', async (context) => {
  const large = Buffer.alloc(21 << 20, 3)
  const cases: [FaultRule['fault'], RegExp][] = [
    [{ kind: 'status', status: 500 }, /^UploadPart/],
    [{ kind: 'reset' }, /^UploadPart/],
    [{ kind: 'error-body', code: 'InternalError' }, /^UploadPartCopy/],
    [{ kind: 'error-body', code: 'InternalError' }, /^CompleteMultipartUpload/],
    [{ kind: 'lost' }, /^CompleteMultipartUpload/],
    [{ kind: 'status', status: 404, code: 'NoSuchUpload' }, /^UploadPart/],
  ]
  for (const engine of ['server-copy', 'relay'] as const) {
    for (const [fault, match] of cases) {
      const { proxy, source, destination, real } = await behind([{ fault, match, times: 1 }], [])
      const place = openS3(real.source)
      await place.store.put('large', large)
      place.close()
      const { errors, counts } = await runSync(source, destination, { engine, state: await stateFor(context) })
      assert.deepEqual([errors, counts.objectsCopied], [[], 1], `${engine} ${fault.kind} ${match}`)
      assert.deepEqual(await contentOf(real.destination), await contentOf(real.source))
      const target = openS3(real.destination)
      assert.deepEqual(await listUploads(target.s3 ?? assert.fail(), ''), [], `${engine} ${fault.kind} ${match}`)
      target.close()
      await proxy.close()
    }
  }
})

test('where copying is refused, the objects go another way; what is done is not done again', async (context) => {
  const state = await stateFor(context)
  const refused: FaultRule[] = [{ fault: { kind: 'status', status: 403 }, match: /^Copy/ }]
  const notices: string[] = []
  const { result, requests } = await sameAfter(refused, { state, notices })
  assert.deepEqual(result.engines, { relay: KEYS.length })
  assert.equal(requests.get('CopyObject'), 3, 'the first objects show it')
  assert.ok(notices.some((text) => /server-copy is given up/.test(text)))
  // A right that is withdrawn in the middle moves only the objects concerned.
  const withdrawn: FaultRule[] = [{ fault: { kind: 'status', status: 403 }, match: /^CopyObject .*[02468]\.zip$/ }]
  const half = await sameAfter(withdrawn, { state: await stateFor(context) })
  assert.equal(half.result.counts.objectsCopied, KEYS.length)
  assert.deepEqual(half.result.errors, [])
  assert.ok((half.result.engines['server-copy'] ?? 0) > 0 && (half.result.engines.relay ?? 0) > 0)
  const puts = half.requests.get('PutObject') ?? 0
  assert.ok(puts === half.result.engines.relay, 'nothing is done twice')
})

test('a source object that changes under way is copied as it is now, one that vanishes is told', async (context) => {
  const { proxy: idle, real } = await behind([], KEYS.slice(0, 20))
  await idle.close()
  const [changing, vanishing] = [KEYS[3] ?? '', KEYS[8] ?? '']
  const place = openS3(real.source)
  const proxy = await proxyS3({
    endpoint: server.endpoint,
    faults: [],
    onRequest: async (operation, name) => {
      if (operation !== 'CopyObject' || !name.endsWith(KEYS[0] ?? '')) return
      await place.store.put(changing, Buffer.from('changed meanwhile'))
      await place.store.delete(vanishing)
    },
  })
  const through = (address: string) => address.replace(server.endpoint, proxy.endpoint)
  const { counts, findings, errors } = await runSync(through(real.source), through(real.destination), { state: await stateFor(context) })
  await proxy.close()
  place.close()
  assert.deepEqual([errors, counts.objectsVanished, counts.objectsCopied], [[], 1, 19])
  assert.ok(findings.some(({ check }) => check === 'vanished'))
  assert.deepEqual(await contentOf(real.destination), await contentOf(real.source))
})

test('nothing is deleted because of a listing that fails', async (context) => {
  for (const fault of [
    { kind: 'error-body', code: 'InternalError' },
    { kind: 'cut' },
    { kind: 'status', status: 500 },
    { kind: 'reset' },
  ] as const) {
    const { proxy, source, destination, real } = await behind([{ fault, match: /^ListObjects src/ }], KEYS.slice(0, 30))
    const target = openS3(real.destination)
    await fill(target, KEYS.slice(0, 30))
    target.close()
    const before = await contentOf(real.destination)
    const choices = { state: await stateFor(context), syncMode: 'sync' as const, settings: { attempts: 2 } }
    await assert.rejects(runSync(source, destination, choices), (error: { code: string }) =>
      /LISTING_INVALID|STORE_FAILED|TRANSFER_TRUNCATED/.test(error.code),
    )
    assert.deepEqual(await contentOf(real.destination), before)
    await proxy.close()
  }
})

test('a store that asks for less is asked for less, and the report tells the retries', async (context) => {
  const { proxy, source, destination, real } = await behind([{ fault: { kind: 'status', status: 503 }, match: /^Copy/, probability: 0.3 }])
  const state = await stateFor(context)
  const result = await runSync(source, destination, { state, settings: { attempts: 12 } })
  assert.deepEqual(result.errors, [])
  assert.ok(result.efficiency.retries > 30)
  assert.deepEqual(await contentOf(real.destination), await contentOf(real.source))
  const folders = await import('node:fs').then(({ readdirSync }) =>
    readdirSync(state).filter((name) => name !== 'downloads' && name !== 'verdicts'),
  )
  const report = JSON.parse(await readFile(join(state, folders[0] ?? '', 'runs', `${result.run}.json`), 'utf8')) as {
    efficiency: { retries: number }
  }
  assert.equal(report.efficiency.retries, result.efficiency.retries)
  await proxy.close()
})

test('credentials that are refused end the run at once, and say so', async (context) => {
  const { proxy, source, destination } = await behind([
    { fault: { kind: 'status', status: 403, code: 'InvalidAccessKeyId' }, match: /^Copy/ },
  ])
  await assert.rejects(runSync(source, destination, { state: await stateFor(context) }), { code: 'CREDENTIALS_INVALID' })
  await proxy.close()
})
