import { formatDay, formatMonth, nextMonth, parseInstant, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import type { ArchiveFile, Period } from '../contract.ts'

/** The half-open range of time in the name of a file; empty if the date is not valid. */
export function fileRange({ period, date }: Pick<ArchiveFile, 'period' | 'date'>): TimeRange {
  const start = parseInstant(date) ?? 0
  return { start, end: period === 'daily' ? start + US_PER_DAY : nextMonth(start) }
}

/** Whether the text is a date in the form of the period: YYYY-MM-DD or YYYY-MM. */
export function isDate(text: string, period: Period): boolean {
  const start = parseInstant(text)
  return start !== undefined && dateOf(start, period) === text
}

/** The date of the file that contains an instant, for a period. */
export function dateOf(us: number, period: Period): string {
  return period === 'daily' ? formatDay(us) : formatMonth(us)
}
