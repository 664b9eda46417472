import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { mapConcurrent } from './map-concurrent.ts'

test('every item is processed once, within the limit, and drawn only into a free slot', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), async (pauses, limit) => {
      let running = 0
      let drawn = 0
      let finished = 0
      function* items() {
        for (const [index, pause] of pauses.entries()) {
          assert.ok(drawn - finished < limit)
          drawn++
          yield { index, pause }
        }
      }
      const results: number[] = []
      const work = async ({ index, pause }: { index: number; pause: number }) => {
        assert.ok(++running <= limit)
        await delay(pause)
        running--
        finished++
        return index
      }
      for await (const result of mapConcurrent(items(), { limit }, work)) results.push(result)
      assert.deepEqual(
        results.sort((a, b) => a - b),
        pauses.map((_, index) => index),
      )
    }),
    { numRuns: 30 },
  )
})

test('the first error ends the iteration, after running work has finished', async () => {
  let ended = 0
  const work = async (n: number) => {
    await delay(n === 1 ? 1 : 20)
    ended++
    if (n === 1) throw new Error('one')
    return n
  }
  await assert.rejects(async () => {
    for await (const _ of mapConcurrent([0, 1, 2, 3, 4, 5], { limit: 3 }, work));
  }, /one/)
  assert.equal(ended, 3)
})

test('an aborted signal stops the drawing of items', async () => {
  const abort = new AbortController()
  let done = 0
  await assert.rejects(async () => {
    for await (const _ of mapConcurrent(Array.from({ length: 100 }).keys(), { limit: 2, signal: abort.signal }, async () => ++done))
      if (done >= 4) abort.abort(new Error('stopped'))
  }, /stopped/)
  assert.ok(done < 10)
})
