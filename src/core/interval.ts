import { LakehouseError } from './errors.ts'
import { type EpochUs, startOfMonth, US_PER_DAY, US_PER_SECOND, utc } from './time.ts'

/**
 * The intervals of bars, shortest first. `us` is the length in microseconds; a calendar month has none.
 * Fixed intervals are aligned to 1970-01-01T00:00Z, weeks begin on Monday 00:00 UTC, months on the 1st.
 */
export const INTERVALS = {
  '1s': { us: US_PER_SECOND },
  '1m': { us: 60 * US_PER_SECOND },
  '3m': { us: 180 * US_PER_SECOND },
  '5m': { us: 300 * US_PER_SECOND },
  '15m': { us: 900 * US_PER_SECOND },
  '30m': { us: 1800 * US_PER_SECOND },
  '1h': { us: 3600 * US_PER_SECOND },
  '2h': { us: 7200 * US_PER_SECOND },
  '4h': { us: 14_400 * US_PER_SECOND },
  '6h': { us: 21_600 * US_PER_SECOND },
  '8h': { us: 28_800 * US_PER_SECOND },
  '12h': { us: 43_200 * US_PER_SECOND },
  '1d': { us: US_PER_DAY },
  '3d': { us: 3 * US_PER_DAY },
  '1w': { us: 7 * US_PER_DAY },
  '1mo': { us: undefined },
} as const

export type Interval = keyof typeof INTERVALS

export const INTERVAL_IDS = Object.keys(INTERVALS) as readonly Interval[]

/** Monday 1970-01-05: weeks are counted from here. */
const WEEK_ANCHOR = 4 * US_PER_DAY

/** Other spellings: the REST API writes a month as `1M`, some tools write `1mon`. */
const ALIASES: Readonly<Record<string, Interval>> = { '1M': '1mo', '1mon': '1mo', '60m': '1h', '24h': '1d', '7d': '1w' }

/** The interval that the text names, aliases included. Throws USAGE for any other text. */
export function parseInterval(text: string): Interval {
  const interval = findInterval(text)
  if (interval === undefined)
    throw new LakehouseError('USAGE', `unknown interval "${text}": use one of ${INTERVAL_IDS.join(', ')}`, { details: { interval: text } })
  return interval
}

function findInterval(text: string): Interval | undefined {
  return INTERVAL_IDS.find((id) => id === text) ?? ALIASES[text]
}

/** The start of the bar that holds the instant. */
export function barStart(interval: Interval, at: EpochUs): EpochUs {
  const { us } = INTERVALS[interval]
  if (us === undefined) return startOfMonth(at)
  const anchor = interval === '1w' ? WEEK_ANCHOR : 0
  return anchor + Math.floor((at - anchor) / us) * us
}

/** The start of the bar after the one that holds the instant. */
export function nextBar(interval: Interval, at: EpochUs): EpochUs {
  const { us } = INTERVALS[interval]
  if (us !== undefined) return barStart(interval, at) + us
  const date = new Date(at / 1000)
  return utc(date.getUTCFullYear(), date.getUTCMonth() + 2)
}

/** Whether every bar of `coarse` is made of two or more whole bars of `fine`. */
export function isMultiple(coarse: Interval, fine: Interval): boolean {
  const fineUs = INTERVALS[fine].us
  if (fineUs === undefined || coarse === fine) return false
  const coarseUs = INTERVALS[coarse].us
  if (coarseUs === undefined) return US_PER_DAY % fineUs === 0
  if (coarse === '1w') return US_PER_DAY % fineUs === 0
  return coarseUs > fineUs && coarseUs % fineUs === 0
}

/** Whether the interval is shorter than a day. */
export function isIntraday(interval: Interval): boolean {
  return (INTERVALS[interval].us ?? US_PER_DAY) < US_PER_DAY
}
