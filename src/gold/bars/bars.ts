import { createHash } from 'node:crypto'
import { INTERVAL_IDS, INTERVALS, type Interval, isIntraday, isMultiple } from '../../core/interval.ts'
import type { Market } from '../../core/market.ts'
import { DATASETS, storedAs, type TableColumn } from '../../datasets/registry.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { byPeriod, fieldsOf, type TableShape } from '../../lake/iceberg/schema.ts'
import type { PeriodTransform } from '../../lake/iceberg/transform.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { longest, ruleOf } from './bar-rule.ts'
import { resampleSql } from './resample.ts'

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

/** Silver files of one source interval, and the largest amounts that they tell of. */
export type BarSource = { readonly interval: Interval; readonly paths: readonly string[]; readonly largest: ReadonlyMap<string, number> }

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
 * covers most of it makes it, the finest of equals.
 */
export function barQuery({ market, interval }: BarSeries, sources: readonly BarSource[], range: { start: number; end: number }): string {
  const rule = ruleOf(interval)
  const parts = sources.map(({ interval: fine, paths, largest }) => {
    const rows = `SELECT * FROM read_parquet([${paths.map(quote).join(', ')}], hive_partitioning = false)
      WHERE open_time >= make_timestamptz(${range.start}) AND open_time < make_timestamptz(${range.end + longest(rule)})`
    return `(${resampleSql(market, { rows, us: INTERVALS[fine].us ?? 0, name: fine, largest }, rule, range)})`
  })
  const columns = barColumns(market).map((column) => quoteName(column.name))
  const best = 'QUALIFY row_number() OVER (PARTITION BY symbol, open_time ORDER BY bars_held / bars_expected DESC, bars_expected DESC) = 1'
  return `SELECT ${columns.join(', ')} FROM (${parts.join(' UNION ALL ')}) ${parts.length > 1 ? best : ''} ORDER BY symbol, open_time`
}

/** The largest amount in any of some files, by column; a column that a file does not tell of, or that has negative amounts, is left out. */
export function largestAmounts(files: readonly DataFile[], fields: TableShape['fields']): Map<string, number> {
  const known = new Map<string, number>()
  for (const { id, name, type } of fields) {
    if (type !== 'double') continue
    const bounds = files.map(({ lower, upper }) =>
      Number(lower.get(id) ?? -1) < 0 ? Number.POSITIVE_INFINITY : Number(upper.get(id) ?? Number.POSITIVE_INFINITY),
    )
    const largest = Math.max(...bounds)
    if (Number.isFinite(largest)) known.set(name, largest)
  }
  return known
}
