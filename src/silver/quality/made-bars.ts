import { INTERVAL_IDS, INTERVALS, isMultiple } from '../../core/interval.ts'
import { quoteName } from '../../platform/duckdb/session.ts'
import { barNames, columnNames, findColumn, isBars, isOfSameMarket, type Series, tradedNames, valueColumns } from '../../sources/series.ts'

/** The series with the coarsest available interval that divides the bars of this series evenly. */
export function finerSeries(series: Series, there: readonly Series[]): Series | undefined {
  return everyFiner(series, there)[0]
}

/** The series of the same type whose interval divides the bars of this series evenly, coarsest first. Calendar months do not have a fixed number of bars. */
export function everyFiner(series: Series, there: readonly Series[]): Series[] {
  const { interval } = series
  if (!isBars(series) || interval === undefined || INTERVALS[interval].us === undefined) return []
  return there
    .filter((one) => one.dataset === series.dataset && isOfSameMarket(one, series))
    .filter((one) => one.interval !== undefined && isMultiple(interval, one.interval))
    .sort((a, b) => INTERVAL_IDS.indexOf(b.interval ?? '1s') - INTERVAL_IDS.indexOf(a.interval ?? '1s'))
}

/** The columns that must agree between published bars and computed bars. */
export function comparedColumns(series: Series): string[] {
  return valueColumns(series).flatMap(({ name, type }) => (type === 'instant' ? [] : [name]))
}

/** The decimal text of a double as it was published, with up to 17 digits. */
const exact = (name: string) => `CAST(CAST(${name} AS VARCHAR) AS DECIMAL(38, 12))`
const sumOf = (name: string) => `CAST(CAST(sum(${exact(name)}) AS VARCHAR) AS DOUBLE)`

/**
 * SQL of the bars that finer bars make, only where all finer bars exist: first, highest, lowest, last, and exact sums. A finer bar without trades repeats the
 * price of the bar before it, so its price counts only if all finer bars are without trades.
 */
export function barsOfFiner(series: Series, finer: Series, fineBars: string): string {
  const [us, fine] = [lengthOf(series), lengthOf(finer)]
  const { event_time: time, open, high, low, close, close_time: end } = barNames(series)
  const count = findColumn(series, 'trade_count')?.name
  const traded = (sql: string) => (count === undefined ? sql : `coalesce(${sql} FILTER (${count} > 0), ${sql})`)
  const prices: readonly string[] = [open, high, low, close]
  const sums = valueColumns(series).flatMap(({ name, type }) => {
    if (type === 'instant' || prices.includes(name)) return []
    return [`${type === 'long' ? `sum(${name})::BIGINT` : sumOf(name)} AS ${quoteName(name)}`]
  })
  return `SELECT symbol, ${startOf(series, time)} AS ${time}, ${traded(`arg_min(${open}, ${time})`)} AS ${open}, ${traded(`max(${high})`)} AS ${high},
    ${traded(`min(${low})`)} AS ${low}, ${traded(`arg_max(${close}, ${time})`)} AS ${close}, max(${end}) AS ${end}, ${sums.join(', ')}
    FROM (${fineBars}) GROUP BY ALL HAVING count(*) = ${us / fine}`
}

/**
 * SQL of the bars that single trades make, only where the trade numbers from first_id to last_id are complete. Aggregated trades are not suitable: one may
 * begin in one bar and end in the next.
 */
export function barsOfTrades(series: Series, trades: Series, rows: string): string {
  const bar = { ...barNames(series), ...tradedNames(series) }
  const {
    sequence: id,
    event_time: time,
    price,
    amount,
    value,
    buyer_is_maker: isMaker,
  } = columnNames(trades, 'sequence', 'event_time', 'price', 'amount', 'value', 'buyer_is_maker')
  const taker = (name: string) => `coalesce(CAST(CAST(sum(${exact(name)}) FILTER (NOT ${isMaker}) AS VARCHAR) AS DOUBLE), 0)`
  return `SELECT symbol, ${startOf(series, time)} AS ${bar.event_time}, arg_min(${price}, ${id}) AS ${bar.open}, max(${price}) AS ${bar.high}, min(${price}) AS ${bar.low},
    arg_max(${price}, ${id}) AS ${bar.close}, count(*) AS ${bar.trade_count}, ${sumOf(amount)} AS ${bar.amount}, ${sumOf(value)} AS ${bar.value},
    ${taker(amount)} AS ${bar.taker_amount}, ${taker(value)} AS ${bar.taker_value}, min(${id}) AS first_id, max(${id}) AS last_id
    FROM (${rows}) GROUP BY ALL HAVING count(*) = max(${id}) - min(${id}) + 1`
}

function lengthOf({ interval }: Series): number {
  return INTERVALS[interval ?? '1m'].us ?? 1
}

/** SQL of the start of the bar that contains an instant. Weeks begin on Mondays. */
function startOf(series: Series, time: string): string {
  return `time_bucket(to_microseconds(${lengthOf(series)}), ${time}, TIMESTAMPTZ '1970-01-${series.interval === '1w' ? '05' : '01'} 00:00:00+00')`
}
