import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { barStart, INTERVAL_IDS, isMultiple, nextBar, parseInterval } from './interval.ts'
import { PLAUSIBLE_TIME, utc } from './time.ts'

const instant = fc.integer({ min: PLAUSIBLE_TIME.start, max: PLAUSIBLE_TIME.end - 1 })
const interval = fc.constantFrom(...INTERVAL_IDS)

test('every instant is in exactly one bar, and bars follow each other', () => {
  fc.assert(
    fc.property(interval, instant, (id, us) => {
      const start = barStart(id, us)
      const end = nextBar(id, us)
      return start <= us && us < end && barStart(id, start) === start && barStart(id, end) === end && barStart(id, end - 1) === start
    }),
  )
})

test('a coarse bar made of whole fine bars begins where a fine bar begins', () => {
  fc.assert(
    fc.property(interval, interval, instant, (coarse, fine, us) => {
      fc.pre(isMultiple(coarse, fine))
      return barStart(fine, barStart(coarse, us)) === barStart(coarse, us)
    }),
  )
})

test('weeks begin on Monday and months on the 1st', () => {
  assert.equal(barStart('1w', utc(2024, 1, 7)), utc(2024, 1, 1))
  assert.equal(barStart('1w', utc(2024, 1, 8)), utc(2024, 1, 8))
  assert.equal(barStart('1mo', utc(2024, 2, 29)), utc(2024, 2, 1))
})

test('weeks, months and three-day bars are not multiples of each other', () => {
  for (const fine of ['1w', '3d'] as const) assert.equal(isMultiple('1mo', fine), false)
  assert.equal(isMultiple('1w', '3d'), false)
  assert.equal(isMultiple('1w', '1d'), true)
  assert.equal(isMultiple('1h', '1h'), false)
})

test('aliases of intervals are understood, and any other text is a usage error', () => {
  assert.equal(parseInterval('1M'), '1mo')
  assert.throws(() => parseInterval('7m'), { code: 'USAGE' })
})
