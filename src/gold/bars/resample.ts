import type { TimeRange } from '../../core/time.ts'
import type { Column } from '../../datasets/contract.ts'
import { TRADED_BARS } from '../../datasets/registry.ts'
import { quoteName } from '../../platform/duckdb/session.ts'
import { type MarketRef, valueColumns } from '../../sources/series.ts'
import { barKeySql, barStartSql, longest, nextBarSql, type TimeRule } from './bar-rule.ts'

/** Finer bars that coarser ones are made of. */
export type FineBars = {
  /** SQL of them, with the columns of traded bars of the market. */
  readonly rows: string
  /** How long each is, µs, and what that is called. */
  readonly us: number
  readonly name: string
  /** The largest amount that any of them has, by column, as far as it is known. */
  readonly largest: ReadonlyMap<string, number>
}

/**
 * SQL of the bars whose opening lies in a range, of all without one, one row per symbol and bar: open and close of the first and last fine bar with trades, highest, lowest, exact sums, the number of fine
 * bars held and expected, and whether these are the same. A fine bar without trades repeats the last close, and counts only in a bar that has no others.
 */
export function resampleSql(market: MarketRef, { rows, us, name, largest }: FineBars, rule: TimeRule, range?: TimeRange): string {
  const sums = valueColumns({ ...market, dataset: TRADED_BARS }).flatMap((column) => sumOf(column, largest, Math.ceil(longest(rule) / us)))
  const next = nextBarSql(rule, 'bar')
  const later = `CASE WHEN trade_count > 0 THEN epoch_us(open_time) ELSE epoch_us(open_time)`
  const inner = `SELECT symbol, ${barKeySql(rule, 'open_time')} AS bar_key, arg_min("open", ${later} + ${FAR} END) AS "open", max(CASE WHEN trade_count > 0 THEN high END) AS high,
      min(CASE WHEN trade_count > 0 THEN low END) AS low, arg_max("close", ${later} - ${FAR} END) AS "close", ${sums.map(({ sum }) => sum).join(', ')}, count(*) AS bars_held
    FROM (${rows}) GROUP BY symbol, bar_key`
  const expected = 'us' in rule ? `${Math.floor(rule.us / us)}::BIGINT` : `((${next} - bar) // ${us})`
  const within = range === undefined ? '' : ` WHERE bar >= ${range.start} AND bar < ${range.end}`
  return `SELECT symbol, make_timestamptz(bar) AS open_time, "open", coalesce(high, "open") AS high, coalesce(low, "open") AS low, "close", ${sums.map(({ result }) => result).join(', ')},
      make_timestamptz(${next} - 1) AS close_time, '${name}' AS source_interval, ${expected} AS bars_expected, bars_held, bars_held = ${expected} AS is_complete
    FROM (SELECT *, ${barStartSql(rule, 'bar_key')} AS bar FROM (${inner}))${within}`
}

/** Further away than any two instants. */
const FAR = '4611686018427387904'

/**
 * Amounts are published with at most 8 decimals, of which a double below 2·10⁷ carries every one. A sum is exact when it is added up as whole hundred-millionths, or, as long as its rounding
 * stays below half of one, when it is brought back to them at the end. Of the ways that are sure for the largest amount there is, the cheapest is taken:
 * n amounts of S in all are off by less than (n + 1)·S·2⁻⁵³ in whatever order they are added; below 10⁷ in all a compensated sum (Kahan 1965) is off by less than 3.3·10⁻⁹; below 9·10⁷ whole hundred-millionths fit a double; amounts below 2·10⁷ are added up as whole parts and
 * hundred-millionths apart; beyond that the shortest text that gives the double is the published one, and decimals are added.
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
        // As one whole number as long as it fits a double: beyond, the fraction is known finely enough for the sum to round as the exact one would.
        result: `CASE WHEN ${name} * 1e8 + ${parts} < 9e15 THEN (${name} * 1e8 + ${parts}) / 1e8 ELSE ${name} + floor(${parts} / 1e8) + (${parts} - floor(${parts} / 1e8) * 1e8) / 1e8 END AS ${name}`,
      },
    ]
  }
  const exact = `CASE WHEN abs(${name}) < 2e7 THEN ${name}::DECIMAL(18, 8)::DECIMAL(38, 8) ELSE ${name}::VARCHAR::DECIMAL(38, 8) END`
  return [{ sum: `sum(${exact}) AS ${name}`, result: `${name}::VARCHAR::DOUBLE AS ${name}` }]
}
