import { formatDay, formatMonth, intersection, nextMonth, startOfDay, startOfMonth, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import type { ArchiveFile, ArchiveSeries } from '../contract.ts'
import { contractOf, offerOf } from '../series.ts'
import { fileRange } from './file-range.ts'

/** The dates of the known files of a series: YYYY-MM-DD and YYYY-MM. */
export type Availability = { readonly daily: ReadonlySet<string>; readonly monthly: ReadonlySet<string> }

type UncoveredReason = 'future' | 'not_published_yet' | 'before_first_file' | 'after_last_file' | 'discontinued' | 'not_in_archive'

/** A part of the requested range without a file. */
export type Uncovered = TimeRange & { readonly reason: UncoveredReason }

export type SeriesPlan = { readonly files: readonly ArchiveFile[]; readonly uncovered: readonly Uncovered[] }

export type PlanRequest = {
  /** The requested range; undefined means everything. */
  readonly range: TimeRange | undefined
  readonly now: number
  /** Days (YYYY-MM-DD) that are known to be missing in monthly files. Their daily files are used too. */
  readonly monthlyLacks?: ReadonlySet<string>
}

/** Daily files of the last two days may not be published yet. */
const PUBLICATION_LAG_US = 2 * US_PER_DAY

/**
 * Chooses files that cover the range, oldest first and without overlap. A whole closed month, or a part that the daily files do not cover, comes from the monthly
 * file; everything else from daily files. For tables partitioned by days, daily files come first, because each is one partition. Uncovered parts are returned
 * with the reason, adjacent days joined.
 */
export function planSeries(series: ArchiveSeries, available: Availability, request: PlanRequest): SeriesPlan {
  const extent = extentOf(available)
  const range = request.range ?? extent
  if (range === undefined || range.start >= range.end) return { files: [], uncovered: [] }
  const files: ArchiveFile[] = []
  const missing: number[] = []
  const byDay = contractOf(series).partition(series.interval) === 'day'
  for (let month = startOfMonth(range.start); month < range.end; month = nextMonth(month)) {
    const whole = { start: month, end: nextMonth(month) }
    const asked = intersection(whole, range)
    if (asked === undefined) continue
    const days = daysOf(asked)
    const without = days.filter((day) => !available.daily.has(formatDay(day)))
    const isWhole = asked.start === whole.start && asked.end === whole.end
    if (available.monthly.has(formatMonth(month)) && ((isWhole && !byDay) || without.length > 0)) {
      files.push({ ...series, period: 'monthly', date: formatMonth(month) })
      const lacking = days.filter((day) => request.monthlyLacks?.has(formatDay(day)) === true)
      files.push(...dailyFiles(series, lacking, available))
      missing.push(...lacking.filter((day) => !available.daily.has(formatDay(day))))
    } else {
      files.push(...dailyFiles(series, days, available))
      missing.push(...without)
    }
  }
  const reason = (day: number) => reasonFor(series, day, extent, request.now)
  return { files, uncovered: joinDays(missing, range, reason) }
}

function dailyFiles(series: ArchiveSeries, days: readonly number[], available: Availability): ArchiveFile[] {
  return days.map(formatDay).flatMap((date) => (available.daily.has(date) ? [{ ...series, period: 'daily' as const, date }] : []))
}

function daysOf(range: TimeRange): number[] {
  const days: number[] = []
  for (let day = startOfDay(range.start); day < range.end; day += US_PER_DAY) days.push(day)
  return days
}

/** From the start of the first file to the end of the last file. Dates sort like their texts. */
function extentOf(available: Availability): TimeRange | undefined {
  const ranges = (['daily', 'monthly'] as const).flatMap((period) => {
    let first: string | undefined
    let last: string | undefined
    for (const date of available[period]) {
      if (first === undefined || date < first) first = date
      if (last === undefined || date > last) last = date
    }
    return first === undefined || last === undefined
      ? []
      : [{ start: fileRange({ period, date: first }).start, end: fileRange({ period, date: last }).end }]
  })
  return ranges.length === 0
    ? undefined
    : { start: Math.min(...ranges.map(({ start }) => start)), end: Math.max(...ranges.map(({ end }) => end)) }
}

function reasonFor(series: ArchiveSeries, day: number, extent: TimeRange | undefined, now: number): UncoveredReason {
  const discontinued = offerOf(series)?.archive.discontinued
  if (day >= now) return 'future'
  if (discontinued !== undefined && formatDay(day) >= discontinued) return 'discontinued'
  if (day + US_PER_DAY > now - PUBLICATION_LAG_US) return 'not_published_yet'
  if (extent !== undefined && day < extent.start) return 'before_first_file'
  if (extent !== undefined && day >= extent.end) return 'after_last_file'
  return 'not_in_archive'
}

function joinDays(days: readonly number[], range: TimeRange, reasonOf: (day: number) => UncoveredReason): Uncovered[] {
  const joined: { start: number; end: number; reason: UncoveredReason }[] = []
  for (const day of days) {
    const reason = reasonOf(day)
    const last = joined.at(-1)
    if (last !== undefined && last.end === day && last.reason === reason) last.end = day + US_PER_DAY
    else joined.push({ start: day, end: day + US_PER_DAY, reason })
  }
  return joined.map((gap) => ({ ...gap, start: Math.max(gap.start, range.start), end: Math.min(gap.end, range.end) }))
}
