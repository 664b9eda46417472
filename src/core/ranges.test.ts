import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { common, difference, length, union } from './ranges.ts'

const range = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 12 }))
  .map(([start, size]) => ({ start, end: start + size }))
const ranges = fc.array(range, { maxLength: 8 })

/** The same operations on sets of single instants. */
const instants = (some: readonly { start: number; end: number }[]) => {
  const held = new Set<number>()
  for (const { start, end } of some) for (let at = start; at < end; at++) held.add(at)
  return held
}
const sorted = (set: ReadonlySet<number>) => [...set].sort((a, b) => a - b)

test('set operations on ranges equal those on their instants; results are in order', () => {
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const [left, right] = [instants(a), instants(b)]
      assert.deepEqual(sorted(instants(union([...a, ...b]))), sorted(new Set([...left, ...right])))
      assert.deepEqual(
        sorted(instants(difference(a, b))),
        sorted(left).filter((at) => !right.has(at)),
      )
      assert.deepEqual(
        sorted(instants(common(a, b))),
        sorted(left).filter((at) => right.has(at)),
      )
      assert.equal(length(a), left.size)
      for (const made of [union(a), difference(a, b)])
        for (const [index, { start, end }] of made.entries()) {
          assert.ok(start < end)
          assert.ok(index === 0 || (made[index - 1]?.end ?? 0) < start)
        }
    }),
  )
})

test('the removed part and the rest together are the whole', () => {
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      assert.deepEqual(union([...difference(a, b), ...common(a, b)]), union(a))
      assert.deepEqual(common(difference(a, b), b), [])
      assert.deepEqual(union(union(a)), union(a))
    }),
  )
})
