/** An instant: integer microseconds since 1970-01-01T00:00:00Z. Exact in a double until the year 2255. */
export type EpochUs = number

export const US_PER_SECOND = 1_000_000
export const US_PER_DAY = 86_400_000_000

/** Instants of market data are in [2009, 2100): an instant outside has a wrong unit or is corrupt. */
export const PLAUSIBLE_TIME = { start: Date.UTC(2009, 0, 1) * 1000, end: Date.UTC(2100, 0, 1) * 1000 } as const

/** A half-open range of instants, [start, end). */
export type TimeRange = { readonly start: EpochUs; readonly end: EpochUs }

/** The start of a UTC calendar day, month or year; months are 1 to 12. */
export function utc(year: number, month = 1, day = 1): EpochUs {
  return Date.UTC(year, month - 1, day) * 1000
}

/** ISO 8601, with as many digits of the fraction as are needed: 2024-01-01T00:00:00Z, 2024-01-01T00:00:00.000001Z. */
export function formatInstant(us: EpochUs): string {
  const micros = ((us % 1_000_000) + 1_000_000) % 1_000_000
  const base = new Date((us - micros) / 1000).toISOString().slice(0, 19)
  return micros === 0 ? `${base}Z` : `${base}.${String(micros).padStart(6, '0')}Z`
}

/** YYYY-MM-DD of the UTC day that holds the instant. */
export function formatDay(us: EpochUs): string {
  return new Date(Math.floor(us / 1000)).toISOString().slice(0, 10)
}

/** YYYY-MM of the UTC month that holds the instant. */
export function formatMonth(us: EpochUs): string {
  return formatDay(us).slice(0, 7)
}

/** The instant of YYYY, YYYY-MM, YYYY-MM-DD or an ISO 8601 date-time (UTC unless it names an offset); undefined for any other text. */
export function parseInstant(text: string): EpochUs | undefined {
  const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/.exec(text)
  if (match === null) return undefined
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const seconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`)
  if (Number.isNaN(seconds) || new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).toISOString().slice(8, 10) !== day)
    return undefined
  return seconds * 1000 + Number(fraction.padEnd(6, '0'))
}

/** The start of the month after the one that holds the instant. */
export function nextMonth(us: EpochUs): EpochUs {
  const date = new Date(us / 1000)
  return utc(date.getUTCFullYear(), date.getUTCMonth() + 2)
}

/** The start of the UTC month that holds the instant. */
export function startOfMonth(us: EpochUs): EpochUs {
  const date = new Date(us / 1000)
  return utc(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** The start of the UTC day that holds the instant. */
export function startOfDay(us: EpochUs): EpochUs {
  return Math.floor(us / US_PER_DAY) * US_PER_DAY
}

/** The common part of two half-open ranges, or undefined when they have none. */
export function intersection(a: TimeRange, b: TimeRange): TimeRange | undefined {
  const start = Math.max(a.start, b.start)
  const end = Math.min(a.end, b.end)
  return start < end ? { start, end } : undefined
}
