import type { Interval } from '../core/interval.ts'
import type { Market } from '../core/market.ts'

/**
 * How a published field is read. instant: milliseconds or microseconds since 1970; datetime: YYYY-MM-DD hh:mm:ss UTC; day: YYYY-MM-DD; hour: whole hours that are added to the
 * event time; long: integer below 2^53; double: decimal text that a double carries without loss; boolean: true or false in any case.
 */
export type FieldType = 'instant' | 'datetime' | 'day' | 'hour' | 'double' | 'long' | 'string' | 'boolean'

/** How a table is cut: by calendar day, month or year (UTC) of the event time. */
type PartitionUnit = 'day' | 'month' | 'year'

/** One column of the published CSV. */
export type CsvColumn = {
  /** Name in silver, or undefined for a column that carries nothing of its own. */
  readonly name: string | undefined
  readonly type: FieldType
  /** What one unit means: base asset, quote asset, contracts, trades … */
  readonly unit: string
  /** Header spellings seen in published files, lower case, the exchange's own first. */
  readonly headers: readonly string[]
  /** The exchange leaves it empty where it has no value: null in silver. */
  readonly optional?: true
}

/** What a data type means and how it is stored; the same for every market that publishes it, but for the columns. */
export type DatasetContract = {
  readonly id: string
  /** The type's folder name in the archive. */
  readonly archiveType: string
  readonly meaning: string
  /** The CSV's columns, in their published order. */
  columns(market: Market): readonly CsvColumn[]
  /** One row per key; rows are sorted by it. The first is always the symbol. */
  readonly key: readonly [symbol: 'symbol', ...rest: string[]]
  readonly eventTime: string
  partition(interval: Interval | undefined): PartitionUnit
  /** Microseconds from one row of a symbol to the next, where there is one in every period; the interval itself for bars. */
  cadence(interval: Interval | undefined): number | undefined
  /** Parquet settings found best by measurement for this type's values. */
  readonly parquet: { readonly rowGroupSize: number; readonly dictionarySizeLimit: number; readonly zstdLevel: number }
  /** Raised whenever the decoder gives other rows for the same bytes: partitions made by an older one are rebuilt. */
  readonly decoderVersion: number
}

// zstd level 2 costs 30 % less CPU than level 3 for 5 % more bytes; a dictionary beyond 1,000 values never pays for prices.
export const PARQUET = { rowGroupSize: 122_880, dictionarySizeLimit: 1000, zstdLevel: 2 } as const

/** A column whose name in silver is the published one. */
export function column(
  name: string,
  type: FieldType,
  unit: string,
  more: { optional?: true; headers?: readonly string[] } = {},
): CsvColumn {
  const { headers = [name], ...rest } = more
  return { name, type, unit, headers, ...rest }
}

/** A column that is passed over: it repeats what the file's name says, or means nothing. */
export function ignored(header: string): CsvColumn {
  return { name: undefined, type: 'string', unit: 'none', headers: [header] }
}
