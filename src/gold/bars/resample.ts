import type { TimeRange } from '../../core/time.ts'
import type { Column } from '../../datasets/contract.ts'
import { TRADED_BARS } from '../../datasets/registry.ts'
import { quoteName } from '../../platform/duckdb/session.ts'
import { type MarketRef, valueColumns } from '../../sources/series.ts'
import { barKeySql, barStartSql, longest, nextBarSql, type TimeRule } from './bar-rule.ts'

/** Fine bars from which coarser bars are built. */
export type FineBars = {
  /** SQL of the fine bars, with the columns of traded bars of the market. */
  readonly rows: string
  /** The length of a fine bar, µs, and the name of the length. */
  readonly us: number
  readonly name: string
  /** Whether rows are trades. Several trades may have the same time; `place` orders them. */
  readonly areTrades: boolean
  /** SQL of the origin of a row: archive, api, stream, derived or synthetic. */
  readonly origin: string
  /** The largest amount of any fine bar, by column, if it is known. */
  readonly largest: ReadonlyMap<string, number>
}

/**
 * SQL of the bars whose open time lies in a range; without a range, of all bars. One row per symbol and bar: open of the first and close of the last
 * fine bar with trades, high, low, exact sums, the numbers of fine bars held and expected, whether both are equal, and how many fine bars fill gaps. Invented bars are not held.
 * A fine bar without trades repeats the last close; its prices count only when no fine bar of the bar has trades. Of trades with the same time, the ids decide which is first and last.
 */
export function resampleSql(
  market: MarketRef,
  { rows, us, name, areTrades, origin, largest }: FineBars,
  rule: TimeRule,
  range?: TimeRange,
): string {
  const sums = valueColumns({ ...market, dataset: TRADED_BARS }).flatMap((column) => sumOf(column, largest, Math.ceil(longest(rule) / us)))
  const next = nextBarSql(rule, 'bar_key')
  const at = (far: string) => `CASE WHEN trade_count > 0 THEN epoch_us(open_time) ELSE epoch_us(open_time) ${far} END`
  const [first, last] = areTrades ? ['(epoch_us(open_time), place)', '(epoch_us(open_time), place)'] : [at(`+ ${FAR}`), at(`- ${FAR}`)]
  const inner = `SELECT symbol, ${barKeySql(rule, 'open_time')} AS bar_key, arg_min("open", ${first}) AS "open", max(CASE WHEN trade_count > 0 THEN high END) AS high,
      min(CASE WHEN trade_count > 0 THEN low END) AS low, arg_max("close", ${last}) AS "close", ${sums.map(({ sum }) => sum).join(', ')},
      count(*) FILTER (${origin} <> 'synthetic') AS bars_held, count(*) FILTER (${origin} = 'derived') AS bars_derived, count(*) FILTER (${origin} = 'synthetic') AS bars_synthetic
    FROM (${rows}) GROUP BY symbol, bar_key`
  const expected = 'us' in rule ? `${Math.floor(rule.us / us)}::BIGINT` : `((${next} - bar) // ${us})`
  const within = range === undefined ? '' : ` WHERE bar >= ${range.start} AND bar < ${range.end}`
  return `SELECT symbol, make_timestamptz(bar) AS open_time, "open", coalesce(high, "open") AS high, coalesce(low, "open") AS low, "close", ${sums.map(({ result }) => result).join(', ')},
      make_timestamptz(${next} - 1) AS close_time, '${name}' AS source_interval, ${expected} AS bars_expected, bars_held, bars_held = ${expected} AS is_complete, bars_derived, bars_synthetic
    FROM (SELECT *, ${barStartSql(rule, 'bar_key')} AS bar FROM (${inner}))${within}`
}

/** Larger than the distance between any two instants. */
const FAR = '4611686018427387904'

/**
 * SQL of an exact sum. Published amounts have at most 8 decimals, and a double below 2·10⁷ holds all of them. A sum is exact when it adds whole
 * hundred-millionths, or when its error is below half of one and the result is rounded to 8 decimals. Uses the cheapest way that is exact for the largest amount:
 * - a plain sum: n amounts with the sum S have an error below (n + 1)·S·2⁻⁵³ in any order;
 * - a compensated sum (Kahan 1965): below a sum of 10⁷ the error is less than 3.3·10⁻⁹;
 * - a sum of whole hundred-millionths, which fits a double below 9·10⁷;
 * - for amounts below 2·10⁷, separate sums of whole parts and hundred-millionths;
 * - for larger amounts, a sum of decimals: the shortest text of the double is the published amount.
 */
function sumOf(column: Column, largest: ReadonlyMap<string, number>, most: number): { sum: string; result: string }[] {
  if (column.measure !== 'amount') return []
  const name = quoteName(column.name)
  if (column.type === 'long') return [{ sum: `sum(${name})::BIGINT AS ${name}`, result: name }]
  const one = largest.get(column.name) ?? Number.POSITIVE_INFINITY
  if (one * most * (most + 1) * 2 ** -53 < 4.9e-9) return [{ sum: `sum(${name}) AS ${name}`, result: `round(${name}, 8) AS ${name}` }]
  if (one * most < 1e7) return [{ sum: `fsum(${name}) AS ${name}`, result: `round(${name}, 8) AS ${name}` }]
  if (one < 2e7 && one * most < 9e7) return [{ sum: `sum(round(${name} * 1e8)) AS ${name}`, result: `${name} / 1e8 AS ${name}` }]
  if (one < 2e7) {
    const parts = quoteName(`${column.name} parts`)
    return [
      {
        sum: `sum(trunc(${name})) AS ${name}, sum(round((${name} - trunc(${name})) * 1e8)) AS ${parts}`,
        // A sum in hundred-millionths is exact while it fits a double. Beyond, the separate fraction is exact enough to round correctly.
        result: `CASE WHEN ${name} * 1e8 + ${parts} < 9e15 THEN (${name} * 1e8 + ${parts}) / 1e8 ELSE ${name} + floor(${parts} / 1e8) + (${parts} - floor(${parts} / 1e8) * 1e8) / 1e8 END AS ${name}`,
      },
    ]
  }
  const exact = `CASE WHEN abs(${name}) < 2e7 THEN ${name}::DECIMAL(18, 8)::DECIMAL(38, 8) ELSE ${name}::VARCHAR::DECIMAL(38, 8) END`
  return [{ sum: `sum(${exact}) AS ${name}`, result: `${name}::VARCHAR::DOUBLE AS ${name}` }]
}
