import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDay, formatMonth, nextMonth, startOfDay, US_PER_DAY, utc } from '../../core/time.ts'
import type { ArchiveSeries } from '../contract.ts'
import { fileRange } from './file-range.ts'
import { type Availability, planSeries } from './plan-series.ts'

const series: ArchiveSeries = { exchange: 'binance', market: 'spot', dataset: 'klines', symbol: 'BTCUSDT', interval: '1m' }
const now = utc(2024, 6, 1)

const days = (from: number, to: number) => Array.from({ length: (to - from) / US_PER_DAY }, (_, n) => formatDay(from + n * US_PER_DAY))
const available = (daily: Iterable<string>, monthly: Iterable<string>): Availability => ({
  daily: new Set(daily),
  monthly: new Set(monthly),
})
const names = (plan: ReturnType<typeof planSeries>) => plan.files.map((file) => file.date)

test('a closed month comes from its monthly file, the days after it from daily files', () => {
  const plan = planSeries(series, available(days(utc(2024, 1), utc(2024, 2, 4)), ['2024-01']), {
    range: { start: utc(2024, 1), end: utc(2024, 2, 4) },
    now,
  })
  assert.deepEqual(names(plan), ['2024-01', '2024-02-01', '2024-02-02', '2024-02-03'])
  assert.deepEqual(plan.uncovered, [])
})

test('a month whose monthly file is late comes from daily files', () => {
  const plan = planSeries(series, available(days(utc(2024, 1), utc(2024, 2)), []), {
    range: { start: utc(2024, 1), end: utc(2024, 2) },
    now,
  })
  assert.equal(plan.files.length, 31)
})

test('a part of a month comes from daily files, or else from the monthly file', () => {
  const range = { start: utc(2024, 1, 10), end: utc(2024, 1, 13) }
  assert.deepEqual(names(planSeries(series, available(days(utc(2024, 1), utc(2024, 2)), ['2024-01']), { range, now })), [
    '2024-01-10',
    '2024-01-11',
    '2024-01-12',
  ])
  assert.deepEqual(names(planSeries(series, available(['2024-01-10'], ['2024-01']), { range, now })), ['2024-01'])
})

test('days missing in a monthly file come from daily files or are uncovered', () => {
  const request = { range: { start: utc(2024, 1), end: utc(2024, 2) }, now, monthlyLacks: new Set(['2024-01-12', '2024-01-20']) }
  const plan = planSeries(series, available(['2024-01-12'], ['2024-01']), request)
  assert.deepEqual(names(plan), ['2024-01', '2024-01-12'])
  assert.deepEqual(plan.uncovered, [{ start: utc(2024, 1, 20), end: utc(2024, 1, 21), reason: 'not_in_archive' }])
})

test('uncovered parts are returned with the reason', () => {
  const held = available(['2024-03-01', '2024-03-03'], [])
  const reason = (start: number, end: number) => planSeries(series, held, { range: { start, end }, now }).uncovered.map((gap) => gap.reason)
  assert.deepEqual(reason(utc(2024, 2, 1), utc(2024, 2, 3)), ['before_first_file'])
  assert.deepEqual(reason(utc(2024, 3, 2), utc(2024, 3, 3)), ['not_in_archive'])
  assert.deepEqual(reason(utc(2024, 3, 4), utc(2024, 3, 5)), ['after_last_file'])
  assert.deepEqual(reason(utc(2024, 5, 31), utc(2024, 6, 2)), ['not_published_yet', 'future'])
  const dead = { ...series, market: 'um', dataset: 'bookTicker', interval: undefined } as const
  assert.deepEqual(
    planSeries(dead, held, { range: { start: utc(2024, 4, 1), end: utc(2024, 4, 2) }, now }).uncovered.map((gap) => gap.reason),
    ['discontinued'],
  )
})

test('files and uncovered parts together cover each requested day once', () => {
  const day = fc.integer({ min: 0, max: 120 }).map((n) => utc(2024, 1) + n * US_PER_DAY)
  const held = fc.record({
    daily: fc.uniqueArray(day),
    monthly: fc.uniqueArray(fc.constantFrom('2024-01', '2024-02', '2024-03', '2024-04')),
  })
  fc.assert(
    fc.property(held, day, day, ({ daily, monthly }, a, b) => {
      const range = { start: Math.min(a, b), end: Math.max(a, b) + US_PER_DAY }
      const plan = planSeries(series, available(daily.map(formatDay), monthly), { range, now })
      const covered = new Map<number, number>()
      const mark = (start: number, end: number) => {
        for (let at = Math.max(start, range.start); at < Math.min(end, range.end); at += US_PER_DAY)
          covered.set(at, (covered.get(at) ?? 0) + 1)
      }
      for (const file of plan.files) mark(fileRange(file).start, fileRange(file).end)
      for (const gap of plan.uncovered) mark(gap.start, gap.end)
      for (let at = startOfDay(range.start); at < range.end; at += US_PER_DAY) assert.equal(covered.get(at), 1, formatDay(at))
      assert.ok(
        plan.files.every((file) =>
          file.period === 'monthly' ? new Set<string>(monthly).has(file.date) : daily.map(formatDay).includes(file.date),
        ),
      )
      assert.ok(
        plan.files
          .filter((file) => file.period === 'monthly')
          .every((file) => nextMonth(fileRange(file).start) <= now && formatMonth(now) !== file.date),
      )
    }),
  )
})
