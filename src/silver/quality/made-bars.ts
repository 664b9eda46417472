import { INTERVAL_IDS, INTERVALS, isMultiple } from '../../core/interval.ts'
import { DATASETS, type Series } from '../../datasets/registry.ts'
import { quoteName } from '../../platform/duckdb/session.ts'
import { amounts, isBars } from './checks/check.ts'

/** The coarsest of the intervals that a bar of the series is made of evenly, among those that are there. */
export function finerSeries(series: Series, there: readonly Series[]): Series | undefined {
  return everyFiner(series, there)[0]
}

/** The series of the same type whose bars make a bar of this one evenly, coarsest first. Calendar months are made of no fixed number of bars. */
export function everyFiner(series: Series, there: readonly Series[]): Series[] {
  const { dataset, market, interval } = series
  if (!isBars(series) || interval === undefined || INTERVALS[interval].us === undefined) return []
  return there
    .filter((one) => one.dataset === dataset && one.market === market && one.interval !== undefined && isMultiple(interval, one.interval))
    .sort((a, b) => INTERVAL_IDS.indexOf(b.interval ?? '1s') - INTERVAL_IDS.indexOf(a.interval ?? '1s'))
}

/** The columns of bars that two ways of making them must agree on. */
export function comparedColumns(series: Series): string[] {
  return DATASETS[series.dataset]
    .columns(series.market)
    .flatMap(({ name, type }) => (name === undefined || type === 'instant' ? [] : [name]))
}

/** Decimal text of a double: the one that was published, of up to 17 digits. */
const exact = (name: string) => `CAST(CAST(${name} AS VARCHAR) AS DECIMAL(38, 12))`
const sumOf = (name: string) => `CAST(CAST(sum(${exact(name)}) AS VARCHAR) AS DOUBLE)`

/**
 * SQL of the bars that finer ones make, those alone of which all are there: first, highest, lowest, last, and exact sums. A finer bar without trades has the price of the one
 * before, which is none of this bar's unless there are no others.
 */
export function barsOfFiner(series: Series, finer: Series, fineBars: string): string {
  const [us, fine] = [lengthOf(series), lengthOf(finer)]
  const traded = series.dataset === 'klines' ? (sql: string) => `coalesce(${sql} FILTER (trade_count > 0), ${sql})` : (sql: string) => sql
  const sums = comparedColumns(series).filter((name) => !PRICES.has(name))
  const sum = (name: string) => `${name.endsWith('_count') ? `sum(${name})::BIGINT` : sumOf(name)} AS ${quoteName(name)}`
  return `SELECT symbol, ${startOf(series, 'open_time')} AS open_time, ${traded('arg_min(open, open_time)')} AS open, ${traded('max(high)')} AS high,
    ${traded('min(low)')} AS low, ${traded('arg_max(close, open_time)')} AS close, max(close_time) AS close_time, ${sums.map(sum).join(', ')}
    FROM (${fineBars}) GROUP BY ALL HAVING count(*) = ${us / fine}`
}

/**
 * SQL of the klines that trades make, those alone of whose trades no number is missing between the first and the last. Aggregated trades would not do: one may begin in one bar
 * and end in the next.
 */
export function barsOfTrades(series: Series, trades: string): string {
  const { volume, value, takerVolume, takerValue } = amounts(series)
  const [quantity, worth] = series.market === 'cm' ? ['contracts', 'base_qty'] : ['qty', 'quote_qty']
  const taker = (name: string) => `coalesce(CAST(CAST(sum(${exact(name)}) FILTER (NOT is_buyer_maker) AS VARCHAR) AS DOUBLE), 0)`
  return `SELECT symbol, ${startOf(series, 'time')} AS open_time, arg_min(price, id) AS open, max(price) AS high, min(price) AS low, arg_max(price, id) AS close,
    count(*) AS trade_count, ${sumOf(quantity)} AS ${volume}, ${sumOf(worth)} AS ${value}, ${taker(quantity)} AS ${takerVolume}, ${taker(worth)} AS ${takerValue},
    min(id) AS first_id, max(id) AS last_id
    FROM (${trades}) GROUP BY ALL HAVING count(*) = max(id) - min(id) + 1`
}

const PRICES: ReadonlySet<string> = new Set(['open', 'high', 'low', 'close'])

function lengthOf({ interval }: Series): number {
  return INTERVALS[interval ?? '1m'].us ?? 1
}

/** SQL of the start of the bar that holds an instant; weeks begin on Mondays. */
function startOf(series: Series, time: string): string {
  return `time_bucket(to_microseconds(${lengthOf(series)}), ${time}, TIMESTAMPTZ '1970-01-${series.interval === '1w' ? '05' : '01'} 00:00:00+00')`
}
