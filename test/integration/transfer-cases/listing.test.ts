import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Fault } from '../../../src/simulator/faults.ts'
import { KEYS, situation } from '../../support/faulty.ts'
import { startMock } from '../../support/s3-mock.ts'
import { type S3Server, startVersity } from '../../support/s3-server.ts'
import { contentOf, fill, runSync, stateFor } from '../../support/transfers.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

const MANY = Array.from({ length: 2500 }, (_, n) => `flat-${String(n).padStart(5, '0')}`)

/** What a page says of its going on, replaced. */
const rewritten = (from: RegExp, to: string): Fault => ({ kind: 'rewrite', rewrite: (body) => body.replace(from, to) })

for (const [name, fault] of [
  ['a 500', { kind: 'status', status: 500 }],
  ['a 503', { kind: 'status', status: 503 }],
  ['an error under 200', { kind: 'error-body', code: 'InternalError' }],
  ['a body that is cut', { kind: 'cut' }],
  ['a reset', { kind: 'reset' }],
] as const) {
  test(`LIST, a passing error in mid-listing (${name}) changes nothing`, async (context) => {
    const faults = [{ fault, match: /^ListObjects/, times: 1 }]
    const here = await situation(context, server, { keys: MANY.slice(0, 1200), faults })
    const { errors, counts } = await here.sync()
    assert.deepEqual([errors, counts.objectsCopied], [[], 1200])
    await here.assertSame()
  })

  test(`LIST, a lasting error in mid-listing (${name}) ends the run and deletes nothing`, async (context) => {
    let pages = 0
    const faults = [{ fault, match: /^ListObjects src/ }]
    const here = await situation(context, server, { keys: KEYS.slice(0, 30), faults, onRequest: () => void pages++ })
    await here.at('destination', (place) => fill(place, [...KEYS.slice(0, 30), 'extra']))
    const before = await contentOf(here.real.destination)
    await assert.rejects(here.sync({ syncMode: 'sync', settings: { attempts: 2 } }), (error: { code: string }) =>
      /LISTING_INVALID|STORE_FAILED|STORE_THROTTLED|TRANSFER_TRUNCATED/.test(error.code),
    )
    assert.ok(pages > 0)
    assert.deepEqual(await contentOf(here.real.destination), before)
  })
}

test('LIST, a token that repeats pages: the run ends with an error', async (context) => {
  let first = ''
  const circling: Fault = {
    kind: 'rewrite',
    rewrite: (body) => {
      first ||= body
      return first
    },
  }
  const here = await situation(context, server, { keys: MANY, faults: [{ fault: circling, match: /^ListObjects src/ }] })
  await assert.rejects(here.sync({ listParallel: 1 }), { code: 'LISTING_INVALID' })
})

test('LIST, a truncated page without a token: the next page starts at its last key', async (context) => {
  const faults = [{ fault: rewritten(/<Next\w+>[^<]*<\/Next\w+>/g, ''), match: /^ListObjects/ }]
  const here = await situation(context, server, { keys: MANY, faults })
  assert.equal((await here.sync({ listParallel: 1 })).counts.objectsCopied, MANY.length)
  await here.assertSame()
})

test('LIST, an empty truncated page: the keys after it are not lost', async (context) => {
  let pages = 0
  const emptied: Fault = {
    kind: 'rewrite',
    // The second page's objects are taken out, and its token leads to them.
    rewrite: (body) => {
      if (++pages !== 2) return body
      return body.replace(/<Contents>.*<\/Contents>/s, '').replace(/<IsTruncated>\w+</, '<IsTruncated>true<')
    },
  }
  const here = await situation(context, server, { keys: MANY, faults: [{ fault: emptied, match: /^ListObjects src/ }] })
  const { errors, counts } = await here.sync({ listParallel: 1 })
  assert.deepEqual(errors, [])
  assert.equal(counts.objectsCopied, 1500, 'the thousand that the store kept to itself come with the next run')
  assert.equal((await here.sync({ listParallel: 1 })).counts.objectsCopied, 1000)
  await here.assertSame()
})

test('LIST, keys that XML or URLs must escape: each arrives under its name', async (context) => {
  const keys = ["it's", 'a b', 'a+b', 'a&b<c>"d"', 'a%20b', '100%', 'q?x=1', 'h#1', '漢字/é', '\u{1f600}/x', '=~,;:@!$()*[]{}|^`']
  const here = await situation(context, server, { keys })
  for (const engine of ['server-copy', 'relay'] as const) {
    const { errors, counts } = await here.sync({ engine })
    assert.deepEqual([errors, counts.objectsCopied + counts.objectsSkipped], [[], keys.length])
  }
  await here.assertSame()
  assert.deepEqual(Object.keys(await contentOf(here.real.destination)).toSorted(), keys.toSorted())
})

test('LIST, objects change while they are listed: the next run has them all', async (context) => {
  let pages = 0
  const here = await situation(context, server, {
    keys: MANY,
    onRequest: async (operation, name) => {
      if (operation !== 'ListObjects' || !name.startsWith('src') || ++pages !== 2) return
      await here.at('source', async ({ store }) => {
        await store.delete(MANY[2200] ?? '')
        await fill({ store } as never, ['flat-00000-late', 'flat-02300-late'])
      })
    },
  })
  assert.deepEqual((await here.sync({ listParallel: 1 })).errors, [])
  assert.deepEqual((await here.sync({ syncMode: 'sync' })).errors, [])
  await here.assertSame()
})

test('LIST, stores whose clocks differ: objects with equal ETags are equal', async (context) => {
  const future: Fault = rewritten(/<LastModified>\d{4}/g, '<LastModified>2099')
  const past: Fault = rewritten(/<LastModified>\d{4}/g, '<LastModified>1999')
  for (const faults of [[{ fault: future, match: /^ListObjects src/ }], [{ fault: past, match: /^ListObjects dst/ }]]) {
    const here = await situation(context, server, { keys: KEYS.slice(0, 20), faults })
    await here.sync()
    assert.equal((await here.sync()).counts.objectsSkipped, 20)
  }
})

test('LIST, a store that supports only version 1 of ListObjects works', async (context) => {
  const versionOne = rewritten(/<(NextContinuationToken|KeyCount|StartAfter)>[^<]*<\/\w+>/g, '')
  const here = await situation(context, server, { keys: MANY.slice(0, 1500), faults: [{ fault: versionOne, match: /^ListObjects/ }] })
  assert.equal((await here.sync()).counts.objectsCopied, 1500)
  await here.assertSame()
})

test('LIST, more keys than fit in memory: a run with nothing to do streams them', async (context) => {
  const mock = await startMock('--objects', '100000')
  context.after(mock.close)
  const address = `s3://source?endpoint=${mock.endpoint}`
  const { counts } = await runSync(address, address, { state: await stateFor(context) })
  assert.deepEqual([counts.objectsSkipped, counts.objectsPlanned], [100_000, 0])
})
