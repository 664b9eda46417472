import { formatDay, formatMonth, nextMonth, parseInstant, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import type { ArchiveFile, Period } from '../contract.ts'

/** The half-open range of time that a file's name claims; of a date that is none it is empty. */
export function fileRange({ period, date }: Pick<ArchiveFile, 'period' | 'date'>): TimeRange {
  const start = parseInstant(date) ?? 0
  return { start, end: period === 'daily' ? start + US_PER_DAY : nextMonth(start) }
}

/** Whether the text is a date as files of a period have it: YYYY-MM-DD or YYYY-MM. */
export function isDate(text: string, period: Period): boolean {
  const start = parseInstant(text)
  return start !== undefined && dateOf(start, period) === text
}

/** The date of the file of a period that holds an instant. */
export function dateOf(us: number, period: Period): string {
  return period === 'daily' ? formatDay(us) : formatMonth(us)
}
