import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDay, formatInstant, intersection, nextMonth, PLAUSIBLE_TIME, parseInstant, startOfMonth, utc } from './time.ts'

const instant = fc.integer({ min: PLAUSIBLE_TIME.start, max: PLAUSIBLE_TIME.end })

test('what formatInstant prints, parseInstant reads back to the microsecond', () => {
  fc.assert(fc.property(instant, (us) => parseInstant(formatInstant(us)) === us))
})

test('dates and date-times are read as UTC, and a text that is not a date is refused', () => {
  assert.equal(parseInstant('2024'), utc(2024))
  assert.equal(parseInstant('2024-02'), utc(2024, 2))
  assert.equal(parseInstant('2024-02-29'), utc(2024, 2, 29))
  assert.equal(parseInstant('2024-01-01T01:00:00+01:00'), utc(2024))
  for (const text of ['2023-02-29', '2024-13-01', 'yesterday', '', '2024-1-1', '20240101'])
    assert.equal(parseInstant(text), undefined, text)
})

test('every instant is in its own month, and months follow each other without a gap', () => {
  fc.assert(
    fc.property(instant, (us) => {
      const start = startOfMonth(us)
      const end = nextMonth(us)
      return start <= us && us < end && startOfMonth(end) === end && formatDay(end).endsWith('-01')
    }),
  )
})

test('the intersection holds exactly the instants of both ranges', () => {
  const range = fc.tuple(fc.nat(50), fc.nat(50)).map(([start, length]) => ({ start, end: start + length }))
  fc.assert(
    fc.property(range, range, fc.nat(100), (a, b, at) => {
      const common = intersection(a, b)
      const within = (one: { start: number; end: number }) => one.start <= at && at < one.end
      return (within(a) && within(b)) === (common !== undefined && within(common))
    }),
  )
})
