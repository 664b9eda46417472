import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareKeys, type ObjectInfo } from '../../storage/object-store.ts'
import { boundsAhead, rangesBetween } from './key-ranges.ts'

const pageOf = (keys: readonly string[]): ObjectInfo[] => keys.map((key) => ({ key, size: 1, etag: 'x', lastModifiedMs: 0 }))

const hex = fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 1, maxLength: 12 }).map((letters) => letters.join(''))
const number = fc.nat(99_999).map((n) => `object-${String(n).padStart(8, '0')}.zip`)
const day = fc
  .date({ min: new Date('2019-01-01'), max: new Date('2025-01-01'), noInvalidDate: true })
  .map((at) => `a-${at.toISOString().slice(0, 10)}.zip`)
const keys = fc.oneof(hex, number, day, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }))

test('bounds ascend between page and end, and the ranges hold every key once', () => {
  const cases = fc.record({
    all: fc.uniqueArray(keys, { minLength: 3, maxLength: 80 }),
    at: fc.nat(),
    pages: fc.integer({ min: 1, max: 9 }),
  })
  fc.assert(
    fc.property(cases, ({ all, at, pages }) => {
      const sorted = all.toSorted(compareKeys)
      const cut = 1 + (at % (sorted.length - 2))
      const [last, end] = [sorted[cut - 1] ?? '', sorted.at(-2) ?? '']
      const bounds = boundsAhead(pageOf(sorted.slice(0, cut)), end, pages, 7)
      for (const [index, bound] of bounds.entries()) {
        assert.ok(compareKeys(bound, bounds[index - 1] ?? last) > 0)
        assert.ok(compareKeys(bound, end) < 0)
      }
      const held = rangesBetween({ prefix: '', after: last, end: undefined }, bounds).map((range) =>
        sorted.filter((key) => compareKeys(key, range.after) > 0 && (range.end === undefined || compareKeys(key, range.end) <= 0)),
      )
      assert.deepEqual(held.flat(), sorted.slice(cut))
    }),
  )
})

test('bounds count numbers in keys up to the last number with the same digits', () => {
  const page = pageOf(Array.from({ length: 1000 }, (_, n) => `object-${String(n + 7000).padStart(5, '0')}.zip`))
  assert.deepEqual(boundsAhead(page, undefined, 10, 3), ['object-17989', 'object-27979', 'object-37969'])
  assert.deepEqual(boundsAhead(page, undefined, 50, 3), ['object-57949', 'object-\u{10ffff}'])
  assert.deepEqual(boundsAhead(page, 'object-20000.zip', 10, 3), ['object-17989'])
  assert.deepEqual(boundsAhead(page.slice(0, 1), undefined, 10, 3), [])
})
