import type { Interval } from '../interval.ts'
import type { Market } from '../market.ts'

/** instant: microseconds UTC; long: integer below 2^53; double: decimal text that a double carries without loss. */
type ColumnType = 'instant' | 'double' | 'long' | 'string'

/** How a table is cut: by calendar month or year (UTC) of the event time. */
type PartitionUnit = 'month' | 'year'

/** One column of the published CSV. */
export type CsvColumn = {
  /** Name in silver, or undefined for a column that carries nothing. */
  readonly name: string | undefined
  readonly type: ColumnType
  /** What one unit means: base asset, quote asset, contracts, trades … */
  readonly unit: string
  /** Header spellings seen in published files, lower case, the exchange's own first. */
  readonly headers: readonly string[]
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
  /** Parquet settings found best by measurement for this type's values. */
  readonly parquet: { readonly rowGroupSize: number; readonly dictionarySizeLimit: number; readonly zstdLevel: number }
  /** Raised whenever the decoder gives other rows for the same bytes: partitions made by an older one are rebuilt. */
  readonly decoderVersion: number
}
