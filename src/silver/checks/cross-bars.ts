import type { Series } from '../../core/datasets/registry.ts'
import { INTERVAL_IDS, INTERVALS, isMultiple } from '../../core/interval.ts'
import { type DuckDBSession, quoteName } from '../../platform/duckdb/session.ts'
import { amounts } from './check.ts'

/** What bars are held against: other rows of the same market. */
export const CROSS_CHECKS = {
  bars_sum: {
    severity: 'error',
    dimension: 'accuracy',
    meaning: 'the bar is not what the finer bars of its time make: first, highest, lowest, last, and exact sums',
  },
  bars_from_trades: {
    severity: 'error',
    dimension: 'accuracy',
    meaning: 'the bar is not what the trades of its time make: first, highest, lowest, last, their number and exact sums',
  },
} as const

/** The coarsest of the intervals that a bar of the series is made of evenly, among those that are there. */
export function finerSeries({ dataset, market, interval }: Series, there: readonly Series[]): Series | undefined {
  // Calendar months are made of no fixed number of bars.
  if (dataset !== 'klines' || interval === undefined || INTERVALS[interval].us === undefined) return undefined
  return there
    .filter((one) => one.dataset === 'klines' && one.market === market && one.interval !== undefined && isMultiple(interval, one.interval))
    .sort((a, b) => INTERVAL_IDS.indexOf(b.interval ?? '1s') - INTERVAL_IDS.indexOf(a.interval ?? '1s'))[0]
}

/** Decimal text of a double: the one that was published, of up to 17 digits. */
const exact = (name: string) => `CAST(CAST(${name} AS VARCHAR) AS DECIMAL(38, 12))`
const sumOf = (name: string) => `CAST(CAST(sum(${exact(name)}) AS VARCHAR) AS DOUBLE)`

/**
 * Holds bars against finer ones; a bar of which not all finer ones are there is not judged. A finer bar without trades has the
 * price of the one before, which is none of this bar's. Differing bars go into `found`.
 */
export async function compareWithFiner(
  session: DuckDBSession,
  series: Series,
  bars: string,
  finer: Series,
  fineBars: string,
): Promise<void> {
  const us = INTERVALS[series.interval ?? '1m'].us ?? 1
  const fine = INTERVALS[finer.interval ?? '1m'].us ?? 1
  const { volume, value, takerVolume, takerValue } = amounts(series)
  const sums = [volume, value, takerVolume, takerValue]
  const made = `SELECT symbol, time_bucket(to_microseconds(${us}), open_time, ${anchorOf(series)}) AS open_time, arg_min(open, open_time) FILTER (trade_count > 0) AS open, max(high) FILTER (trade_count > 0) AS high,
    min(low) FILTER (trade_count > 0) AS low, arg_max(close, open_time) FILTER (trade_count > 0) AS close, sum(trade_count)::BIGINT AS trade_count, ${sums.map((name) => `${sumOf(name)} AS ${name}`).join(', ')}
    FROM (${fineBars}) GROUP BY ALL HAVING count(*) = ${us / fine} AND sum(trade_count) > 0`
  await insert(session, 'bars_sum', bars, made, ['open', 'high', 'low', 'close', 'trade_count', ...sums], us)
}

/**
 * Holds bars against the trades of their time, whose numbers must have no hole there; bars of a minute in which nothing was traded are not judged. Aggregated trades would not do:
 * one may begin in one minute and end in the next.
 */
export async function compareWithTrades(session: DuckDBSession, series: Series, bars: string, trades: string): Promise<void> {
  const us = INTERVALS[series.interval ?? '1m'].us ?? 1
  const { volume, value, takerVolume, takerValue } = amounts(series)
  const [quantity, worth] = series.market === 'cm' ? ['contracts', 'base_qty'] : ['qty', 'quote_qty']
  const taker = (name: string) => `coalesce(CAST(CAST(sum(${exact(name)}) FILTER (NOT is_buyer_maker) AS VARCHAR) AS DOUBLE), 0)`
  const made = `SELECT symbol, time_bucket(to_microseconds(${us}), time, ${anchorOf(series)}) AS open_time, arg_min(price, id) AS open, max(price) AS high, min(price) AS low, arg_max(price, id) AS close,
    count(*) AS trade_count, ${sumOf(quantity)} AS ${volume}, ${sumOf(worth)} AS ${value}, ${taker(quantity)} AS ${takerVolume}, ${taker(worth)} AS ${takerValue}
    FROM (${trades}) GROUP BY ALL HAVING count(*) = max(id) - min(id) + 1`
  await insert(
    session,
    'bars_from_trades',
    bars,
    made,
    ['open', 'high', 'low', 'close', 'trade_count', volume, value, takerVolume, takerValue],
    us,
  )
}

async function insert(
  session: DuckDBSession,
  check: string,
  bars: string,
  made: string,
  columns: readonly string[],
  us: number,
): Promise<void> {
  // A sum of doubles that had more digits than a double carries may be off by its last one.
  const differs = (name: string) => `abs(b.${quoteName(name)} - m.${quoteName(name)}) > 1e-15 * abs(b.${quoteName(name)})`
  await session.run(`INSERT INTO found BY NAME SELECT '${check}' AS check_id, b.symbol AS symbol, epoch_us(b.open_time) AS from_us, epoch_us(b.open_time) + ${us} AS to_us, 1 AS row_count
    FROM (${bars}) b JOIN (${made}) m ON m.symbol = b.symbol AND m.open_time = b.open_time WHERE ${columns.map(differs).join(' OR ')}`)
}

/** Weeks begin on Mondays. */
function anchorOf({ interval }: Series): string {
  return `TIMESTAMPTZ '1970-01-${interval === '1w' ? '05' : '01'} 00:00:00+00'`
}
