import type { TimeRange } from '../../core/time.ts'
import type { TextPool } from '../../platform/duckdb/text-pool.ts'
import type { CsvColumn } from './csv-column.ts'
import type { RejectedRow } from './file-evidence.ts'

export type RowSource = { readonly label: string; next(): Buffer | undefined }

export type DecodeOptions = {
  readonly columns: readonly CsvColumn[]
  /** Index into `columns` of the event time. */
  readonly eventTime: number
  /** Indices of the columns that make a row of one symbol unique; undefined where text is among them. */
  readonly key: readonly number[] | undefined
  /** By column: where the texts of a text column are gathered. */
  readonly texts: readonly (TextPool | undefined)[]
  /** Rows outside of it are counted, not returned. */
  readonly range: TimeRange
  /** Reading stops at the first row beyond the range, until `moveTo` names the next one. */
  readonly stopsAtEnd?: boolean
  readonly partitionStart: (eventTime: number) => number
  readonly onReject: (row: RejectedRow) => void
  /** By line: what is read in the place of a line that cannot be typed. */
  readonly corrections: ReadonlyMap<number, string>
}
