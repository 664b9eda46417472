import type { TimeRange } from '../../core/time.ts'
import type { TextPool } from '../../platform/duckdb/text-pool.ts'
import type { CsvColumn } from './csv-column.ts'
import type { RejectedRow } from './file-evidence.ts'

export type RowSource = { readonly label: string; next(): Buffer | undefined }

export type DecodeOptions = {
  readonly columns: readonly CsvColumn[]
  /** Index into `columns` of the event time. */
  readonly eventTime: number
  /** Indices of the columns that make a row of one symbol unique; undefined if one of them is a text column. */
  readonly key: readonly number[] | undefined
  /** By column: whether a value below zero is not valid. */
  readonly nonNegative?: readonly boolean[]
  /** By column: collects the texts of a text column. */
  readonly texts: readonly (TextPool | undefined)[]
  /** The symbol in the name of the file. */
  readonly symbol?: string
  /** Rows outside this range are counted, not returned. */
  readonly range: TimeRange
  /** Reading stops at the first row beyond the range, until `moveTo` sets the next range. */
  readonly stopsAtEnd?: boolean
  readonly partitionStart: (eventTime: number) => number
  readonly onReject: (row: RejectedRow) => void
  /** By line number: the text that replaces a line that cannot be decoded. */
  readonly corrections: ReadonlyMap<number, string>
}
