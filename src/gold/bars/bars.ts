import { createHash } from 'node:crypto'
import { INTERVAL_IDS, INTERVALS, type Interval, isMultiple } from '../../core/interval.ts'
import type { TableColumn } from '../../datasets/contract.ts'
import { TRADED_BARS } from '../../datasets/registry.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { fileNameOf } from '../../lake/iceberg/partition-folder.ts'
import { byPeriod, fieldsOf, type TableShape } from '../../lake/iceberg/schema.ts'
import type { PeriodTransform } from '../../lake/iceberg/transform.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { SOURCES } from '../../sources/registry.ts'
import { contractOf, type MarketRef, type Series, valueColumns } from '../../sources/series.ts'
import { longest, ruleOf } from './bar-rule.ts'
import { resampleSql } from './resample.ts'

/** Increase this number when the same silver files would give other bars. */
const BARS_VERSION = 2

/** Bars of one interval of one market, built from finer published bars. */
export type BarSeries = MarketRef & { readonly interval: Interval }

/** The name of a bar table in gold: exchange_spot_bars_4h */
export function barTableName({ exchange, market, interval }: BarSeries): string {
  return `${exchange}_${market}_bars_${interval}`
}

/** The bars in a gold table, by the table's name; undefined when it is not a bar table. */
export function barSeriesOf(tableName: string): BarSeries | undefined {
  for (const { id: exchange, markets } of SOURCES) {
    if (!tableName.startsWith(`${exchange}_`)) continue
    for (const market of Object.keys(markets)) {
      const interval = INTERVAL_IDS.find((one) => barTableName({ exchange, market, interval: one }) === tableName)
      if (interval !== undefined) return { exchange, market, interval }
    }
  }
  return undefined
}

/** The published bars of the same market and interval. */
export function tradedBars({ exchange, market, interval }: BarSeries): Series {
  return { exchange, market, dataset: TRADED_BARS, interval }
}

/** The silver intervals from which bars of `interval` can be built, finest first. */
export function sourceIntervals(interval: Interval): Interval[] {
  return INTERVAL_IDS.filter((fine) => isMultiple(interval, fine))
}

/** The columns of a bar table, in order. */
function barColumns(series: BarSeries): readonly TableColumn[] {
  const published = valueColumns(tradedBars(series)).map(({ name, type, unit }) => ({ name, type, doc: unit }))
  return [
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    ...published,
    { name: 'source_interval', type: 'string', doc: 'interval of the klines that the bar is made of' },
    { name: 'bars_expected', type: 'long', doc: 'klines that a complete bar is made of' },
    { name: 'bars_held', type: 'long', doc: 'klines that this bar is made of, without those that were invented' },
    { name: 'is_complete', type: 'boolean', doc: 'bars_held = bars_expected' },
    { name: 'bars_derived', type: 'long', doc: 'of bars_held: klines that were made of other tables to fill gaps' },
    { name: 'bars_synthetic', type: 'long', doc: 'klines that were invented to fill gaps, beside bars_held' },
  ]
}

/** How the bars are partitioned into files. */
export function barPeriod(series: BarSeries): PeriodTransform {
  return contractOf(tradedBars(series)).partition(series.interval)
}

export function barShape(series: BarSeries): TableShape {
  const { eventTime, key } = contractOf(tradedBars(series))
  return { fields: fieldsOf(barColumns(series)), partition: byPeriod(eventTime, barPeriod(series)), sort: key }
}

/** Silver files of one source interval, and the largest amounts in their statistics. */
export type BarSource = { readonly interval: Interval; readonly paths: readonly string[]; readonly largest: ReadonlyMap<string, number> }

/** The fingerprint in the name of a bar file: it identifies the silver files and the rules. */
export function barFingerprint(
  series: BarSeries,
  partition: number,
  sources: readonly { interval: Interval; urls: readonly string[] }[],
): string {
  const files = sources.map(({ interval, urls }) => [interval, urls.map(fileNameOf).sort()])
  return createHash('sha256')
    .update(JSON.stringify(['bars', BARS_VERSION, series.market, series.interval, partition, files]))
    .digest('hex')
    .slice(0, 40)
}

/**
 * SQL of the bars whose open time lies in [start, end) µs, one row per symbol and bar, in order. When several source intervals reach a bar,
 * the one that covers most of it is used; of equals, the finest.
 */
export function barQuery(series: BarSeries, sources: readonly BarSource[], range: { start: number; end: number }): string {
  const rule = ruleOf(series.interval)
  const parts = sources.map(({ interval: fine, paths, largest }) => {
    const rows = `SELECT * FROM read_parquet([${paths.map(quote).join(', ')}], hive_partitioning = false)
      WHERE open_time >= make_timestamptz(${range.start}) AND open_time < make_timestamptz(${range.end + longest(rule)})`
    return `(${resampleSql(series, { rows, us: INTERVALS[fine].us ?? 0, name: fine, areTrades: false, origin: 'source', largest }, rule, range)})`
  })
  const columns = barColumns(series).map((column) => quoteName(column.name))
  const best = 'QUALIFY row_number() OVER (PARTITION BY symbol, open_time ORDER BY bars_held / bars_expected DESC, bars_expected DESC) = 1'
  return `SELECT ${columns.join(', ')} FROM (${parts.join(' UNION ALL ')}) ${parts.length > 1 ? best : ''} ORDER BY symbol, open_time`
}

/** The largest amount in a list of files, by column. Leaves out a column when a file has no statistics of it, or has negative amounts. */
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
