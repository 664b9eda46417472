import { createHash } from 'node:crypto'
import type { CsvColumn } from '../core/datasets/contract.ts'
import { DATASETS, storedAs, type TableColumn } from '../core/datasets/registry.ts'
import { INTERVAL_IDS, INTERVALS, type Interval, isIntraday, isMultiple } from '../core/interval.ts'
import type { Market } from '../core/market.ts'
import { byPeriod, fieldsOf, type TableShape } from '../lake/iceberg/schema.ts'
import type { PeriodTransform } from '../lake/iceberg/transform.ts'
import { quoteName } from '../platform/duckdb/session.ts'

/** Raised when the same silver files would give other bars. */
const BARS_VERSION = 1

/** Bars of one interval of one market, made from finer klines. */
export type BarSeries = { readonly market: Market; readonly interval: Interval }

/** gold.binance_spot_bars_4h */
export function barTableName({ market, interval }: BarSeries): string {
  return `binance_${market}_bars_${interval}`
}

/** The silver intervals of which bars of `interval` can be made, finest first. */
export function sourceIntervals(interval: Interval): Interval[] {
  return INTERVAL_IDS.filter((fine) => isMultiple(interval, fine))
}

/** The columns of a bar table, in order. */
function barColumns(market: Market): readonly TableColumn[] {
  const published = DATASETS.klines
    .columns(market)
    .flatMap((column) => (column.name === undefined ? [] : [{ name: column.name, type: storedAs(column.type), doc: column.unit }]))
  return [
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    ...published,
    { name: 'source_interval', type: 'string', doc: 'interval of the klines that the bar is made of' },
    { name: 'bars_expected', type: 'long', doc: 'klines that a complete bar is made of' },
    { name: 'bars_held', type: 'long', doc: 'klines that this bar is made of' },
    { name: 'is_complete', type: 'boolean', doc: 'bars_held = bars_expected' },
  ]
}

/** Bars of a day or longer are few: a year of them is a file. */
export function barPeriod(interval: Interval): PeriodTransform {
  return isIntraday(interval) ? 'month' : 'year'
}

export function barShape({ market, interval }: BarSeries): TableShape {
  return {
    fields: fieldsOf(barColumns(market)),
    partition: byPeriod('open_time', barPeriod(interval)),
    sort: ['symbol', 'open_time'],
  }
}

/** Silver files of one source interval. */
export type BarSource = { readonly interval: Interval; readonly paths: readonly string[] }

/** What the name of a bar file is made from: the silver files and how they are put together. */
export function barFingerprint(
  series: BarSeries,
  partition: number,
  sources: readonly { interval: Interval; urls: readonly string[] }[],
): string {
  const files = sources.map(({ interval, urls }) => [interval, urls.map((url) => url.slice(url.lastIndexOf('/') + 1)).sort()])
  return createHash('sha256')
    .update(JSON.stringify(['bars', BARS_VERSION, series.market, series.interval, partition, files]))
    .digest('hex')
    .slice(0, 40)
}

/**
 * SQL of the bars whose open time lies in [start, end) µs, one row per symbol and bar, in order. Where several source intervals reach a bar, the one that
 * covers most of it makes it, the finest of equals. Open and close are those of the first and last kline with trades, sums are exact to the exchange's 8 decimals.
 */
export function barQuery(series: BarSeries, sources: readonly BarSource[], range: { start: number; end: number }): string {
  const parts = sources.map((source) => `(${aggregate(series, source, range)})`)
  const columns = barColumns(series.market).map((column) => quoteName(column.name))
  const best = 'QUALIFY row_number() OVER (PARTITION BY symbol, open_time ORDER BY bars_held / bars_expected DESC, bars_expected DESC) = 1'
  return `SELECT ${columns.join(', ')} FROM (${parts.join(' UNION ALL ')}) ${parts.length > 1 ? best : ''} ORDER BY symbol, open_time`
}

function aggregate({ market, interval }: BarSeries, source: BarSource, range: { start: number; end: number }): string {
  const bar = barStartSql(interval, 'open_time')
  const files = source.paths.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ')
  const sums = DATASETS.klines.columns(market).flatMap((column) => sumOf(column))
  const inner = `SELECT symbol, ${bar} AS bar,
      ${PRICES.map(priceSql).join(', ')}, ${sums.map(({ sum }) => sum).join(', ')}, count(*) AS bars_held
    FROM read_parquet([${files}], hive_partitioning = false)
    WHERE open_time >= make_timestamptz(${range.start}) AND open_time < make_timestamptz(${range.end + reachAfter(interval)})
    GROUP BY symbol, bar HAVING bar >= ${range.start} AND bar < ${range.end}`
  const expected = `((${nextBarSql(interval, 'bar')} - bar) // ${INTERVALS[source.interval].us})`
  return `SELECT symbol, make_timestamptz(bar) AS open_time, "open", "high", "low", "close", ${sums.map(({ result }) => result).join(', ')},
      make_timestamptz(${nextBarSql(interval, 'bar')} - 1) AS close_time, '${source.interval}' AS source_interval,
      ${expected} AS bars_expected, bars_held, bars_held = ${expected} AS is_complete
    FROM (${inner})`
}

/** The last bar of a partition may reach beyond its end by nearly its own length. */
function reachAfter(interval: Interval): number {
  return INTERVALS[interval].us ?? 31 * (INTERVALS['1d'].us ?? 0)
}

const PRICES = ['open', 'high', 'low', 'close'] as const

/** Prices are those of trades: a kline without trades repeats the last close, and counts only in a bar that has none at all. */
function priceSql(name: (typeof PRICES)[number]): string {
  const aggregate = { open: 'arg_min("open", open_time)', high: 'max(high)', low: 'min(low)', close: 'arg_max("close", open_time)' }[name]
  return `coalesce(${aggregate} FILTER (trade_count > 0), ${aggregate}) AS "${name}"`
}

/**
 * Amounts are published with at most 8 decimals. Up to 2·10⁷ a double names its 8-decimal number uniquely, and the cast finds it; beyond that the shortest
 * text that gives the double is the published one. The sum is decimal, so exact, and becomes the double nearest to it through its text.
 */
function sumOf(column: CsvColumn): { sum: string; result: string }[] {
  if (column.name === undefined || column.type === 'instant' || column.type === 'string' || PRICES.some((price) => price === column.name))
    return []
  const name = quoteName(column.name)
  if (column.type === 'long') return [{ sum: `sum(${name})::BIGINT AS ${name}`, result: name }]
  const exact = `CASE WHEN abs(${name}) < 2e7 THEN ${name}::DECIMAL(18, 8)::DECIMAL(38, 8) ELSE ${name}::VARCHAR::DECIMAL(38, 8) END`
  return [{ sum: `sum(${exact}) AS ${name}`, result: `${name}::VARCHAR::DOUBLE AS ${name}` }]
}

/** Microseconds of the start of the bar that holds an instant. */
function barStartSql(interval: Interval, column: string): string {
  const { us } = INTERVALS[interval]
  if (us === undefined) return `epoch_us(date_trunc('month', ${column}))`
  if (interval === '1w') return `epoch_us(date_trunc('week', ${column}))`
  return `(epoch_us(${column}) // ${us}) * ${us}`
}

function nextBarSql(interval: Interval, bar: string): string {
  const { us } = INTERVALS[interval]
  return us === undefined ? `epoch_us(make_timestamptz(${bar}) + INTERVAL 1 MONTH)` : `(${bar} + ${us})`
}
