import { INTERVALS } from '../../../core/interval.ts'
import { quoteName } from '../../../platform/duckdb/session.ts'
import { barNames, type Series, tradedNames } from '../../../sources/series.ts'
import type { Found } from '../found.ts'
import { barsOfFiner, barsOfTrades, comparedColumns } from '../made-bars.ts'

/** Checks that compare bars with other rows of the same market. */
export const CROSS_CHECKS = {
  bars_sum: {
    severity: 'error',
    dimension: 'accuracy',
    meaning: 'the bar differs from the bar built from the finer bars of its time (open, high, low, close or sums)',
  },
  bars_from_trades: {
    severity: 'error',
    dimension: 'accuracy',
    meaning: 'the bar differs from the bar built from the trades of its time (open, high, low, close, trade count or sums)',
  },
} as const

/** Compares bars with finer bars; bars without trades are not judged. Differing bars are added to `found`. */
export async function compareWithFiner(found: Found, series: Series, bars: string, finer: Series, fineBars: string): Promise<void> {
  await insert(
    found,
    'bars_sum',
    series,
    bars,
    `SELECT * FROM (${barsOfFiner(series, finer, fineBars)}) WHERE ${tradedNames(series).trade_count} > 0`,
  )
}

/** Compares bars with the trades of the same time; minutes without trades are not judged. Differing bars are added to `found`. */
export async function compareWithTrades(found: Found, series: Series, bars: string, trades: Series, rows: string): Promise<void> {
  await insert(found, 'bars_from_trades', series, bars, barsOfTrades(series, trades, rows))
}

async function insert(found: Found, check: keyof typeof CROSS_CHECKS, series: Series, bars: string, made: string): Promise<void> {
  const { event_time: time } = barNames(series)
  const us = INTERVALS[series.interval ?? '1m'].us ?? 1
  // A sum with more digits than a double can hold may differ in the last digit.
  const differs = (name: string) => `abs(b.${quoteName(name)} - m.${quoteName(name)}) > 1e-15 * abs(b.${quoteName(name)})`
  await found.add(`SELECT '${check}' AS check_id, b.symbol AS symbol, epoch_us(b.${time}) AS from_us, epoch_us(b.${time}) + ${us} AS to_us, 1 AS row_count
    FROM (${bars}) b JOIN (${made}) m ON m.symbol = b.symbol AND m.${time} = b.${time} WHERE ${comparedColumns(series).map(differs).join(' OR ')}`)
}
