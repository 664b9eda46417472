import { LakehouseError } from '../../core/errors.ts'
import { INTERVALS, type Interval } from '../../core/interval.ts'
import { US_PER_DAY, US_PER_SECOND } from '../../core/time.ts'
import { quote } from '../../platform/duckdb/session.ts'

/**
 * How time is divided into bars. `us`: bars of a fixed length, counted from 1970-01-01T00:00Z plus the offset.
 * `unit`: calendar days, weeks (from Monday) and months of a time zone, plus the offset; a day has 23 or 25 hours when clocks change.
 */
export type TimeRule = ({ readonly us: number } | { readonly unit: 'day' | 'week' | 'month'; readonly zone: string }) & {
  readonly offsetUs: number
}

/** Bars that close after a number of source rows, or after a traded amount. A row that exceeds the amount stays whole in its bar. */
export type AmountRule = { readonly by: 'count' | 'volume' | 'quote'; readonly size: number }

const UNITS: Readonly<Record<string, number>> = { s: US_PER_SECOND, m: 60 * US_PER_SECOND, h: 3600 * US_PER_SECOND, d: US_PER_DAY }

/** The rule of an interval of the exchange. */
export function ruleOf(interval: Interval): TimeRule {
  if (interval === '1w') return { unit: 'week', zone: 'UTC', offsetUs: 0 }
  const { us } = INTERVALS[interval]
  return us === undefined ? { unit: 'month', zone: 'UTC', offsetUs: 0 } : { us, offsetUs: 0 }
}

const CALENDAR: Readonly<Record<string, 'day' | 'week' | 'month'>> = { '1d': 'day', '1w': 'week', '1mo': 'month', '1M': 'month' }

/** A length of time: 90s, 7m, 4h, 2d. Throws USAGE. */
function parseLength(text: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d*)([smhd])$/.exec(text) ?? []
  const us = Number(count) * (UNITS[unit] ?? 0)
  if (us === 0) throw new LakehouseError('USAGE', `length "${text}" is not valid: write 90s, 7m, 4h or 2d`, { details: { length: text } })
  return us
}

/**
 * Reads a time rule: a length (7m, 4h), or 1d, 1w, 1mo, which follow the calendar of the zone. The offset is a length.
 * Throws USAGE, also for an unknown zone, and for a length with a zone.
 */
export function parseTimeRule(every: string, offset: string | undefined, zone: string | undefined): TimeRule {
  const offsetUs = offset === undefined || offset === '0m' ? 0 : parseLength(offset)
  const unit = CALENDAR[every]
  const fixedUs = zone === undefined ? undefined : fixedOffset(zone)
  if (zone !== undefined && fixedUs === undefined) checkZone(zone)
  // A zone with a fixed offset is UTC with bars that begin earlier or later.
  if (unit !== undefined && fixedUs !== undefined) return { unit, zone: 'UTC', offsetUs: offsetUs - fixedUs }
  if (unit !== undefined && (zone !== undefined || unit !== 'day')) return { unit, zone: zone ?? 'UTC', offsetUs }
  if (zone !== undefined && zone !== 'UTC')
    throw new LakehouseError('USAGE', `a time zone does not apply to bars of ${every}: write 1d, 1w or 1mo, or leave out the time zone`, {
      details: { every, zone },
    })
  const us = parseLength(every)
  if (offsetUs >= us)
    throw new LakehouseError('USAGE', `the offset ${offset ?? ''} must be shorter than the bars of ${every}: write a shorter offset`, {
      details: { every, offset: offset ?? null },
    })
  return { us, offsetUs }
}

/** The distance of a zone such as +08:00, -0330 or UTC+8 from UTC, µs; undefined for any other text. */
function fixedOffset(zone: string): number | undefined {
  const [, sign, hours, minutes = '0'] = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?$/i.exec(zone) ?? []
  if (sign === undefined || Number(hours) > 14) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60 * US_PER_SECOND
}

function checkZone(zone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    throw new LakehouseError('USAGE', `unknown time zone "${zone}": write a name such as Europe/Berlin, an offset such as +08:00, or UTC`, {
      details: { zone },
    })
  }
}

/** Reads count:1000, volume:50, quote:1000000. Throws USAGE. */
export function parseAmountRule(text: string): AmountRule {
  const [, by, size] = /^(count|volume|quote):([\d.]+(?:e\d+)?)$/.exec(text) ?? []
  const amount = Number(size)
  if (by === undefined || !(amount > 0) || (by === 'count' && !Number.isInteger(amount)))
    throw new LakehouseError('USAGE', `bar rule "${text}" is not valid: write count:1000, volume:50 or quote:1000000`, {
      details: { by: text },
    })
  return { by: by as AmountRule['by'], size: amount }
}

/** SQL of the key of the bar that holds an instant (SQL of a TIMESTAMPTZ): the number of a bar of fixed length, else what clocks of the zone show at its start, µs. */
export function barKeySql(rule: TimeRule, time: string): string {
  const { offsetUs } = rule
  if ('us' in rule) return `(epoch_us(${time})${offsetUs === 0 ? '' : ` - ${offsetUs}`}) // ${rule.us}`
  const shifted = offsetUs === 0 ? time : `(${time} - to_microseconds(${offsetUs}))`
  if (rule.zone === 'UTC') return `epoch_us(date_trunc('${rule.unit}', ${shifted}))`
  return `epoch_us(date_trunc('${rule.unit}', timezone(${quote(rule.zone)}, ${shifted})))`
}

/** SQL of the start, µs, of the bar with a key (SQL). */
export function barStartSql(rule: TimeRule, key: string): string {
  return 'us' in rule ? `(${key} * ${rule.us} + ${rule.offsetUs})` : `(${instantSql(rule.zone, key)} + ${rule.offsetUs})`
}

/** SQL of the start, µs, of the bar after the one with a key (SQL). */
export function nextBarSql(rule: TimeRule, key: string): string {
  if ('us' in rule) return `((${key} + 1) * ${rule.us} + ${rule.offsetUs})`
  const next = `epoch_us(make_timestamp(${key}) + INTERVAL 1 ${rule.unit})`
  return `(${instantSql(rule.zone, next)} + ${rule.offsetUs})`
}

/** Clocks are set by whole quarters of an hour, by at most three hours. */
const CLOCK_STEP_US = 15 * 60 * US_PER_SECOND
const CLOCK_STEPS = 12

/**
 * SQL of the first instant, µs, at which clocks of a zone show a time (SQL, µs) or a later one. Where clocks are set over midnight, a day begins when the clock first shows
 * midnight, or when it skips it.
 */
function instantSql(zone: string, local: string): string {
  if (zone === 'UTC') return local
  const shown = (instant: string) => `epoch_us(timezone(${quote(zone)}, make_timestamptz(${instant})))`
  const near = `epoch_us(timezone(${quote(zone)}, make_timestamp(${local})))`
  const candidates = `list_transform(range(-${CLOCK_STEPS}, ${CLOCK_STEPS + 1}), lambda n: ${near} + n * ${CLOCK_STEP_US})`
  return `list_min(list_filter(${candidates}, lambda t: ${shown('t')} >= ${local}))`
}

/** The maximum length of a bar, µs. */
export function longest(rule: TimeRule): number {
  if ('us' in rule) return rule.us
  return { day: 1, week: 7, month: 31 }[rule.unit] * US_PER_DAY + 7200 * US_PER_SECOND
}
