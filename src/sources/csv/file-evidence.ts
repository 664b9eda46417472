export type RejectReason =
  | 'FIELD_COUNT'
  | 'NOT_A_NUMBER'
  | 'NOT_AN_INTEGER'
  | 'NOT_A_BOOLEAN'
  | 'NOT_A_TIME'
  | 'EMPTY'
  | 'TIME_IMPLAUSIBLE'
  | 'LINE_TOO_LONG'
  /** Below zero where that has no meaning, or too large or too small for a double to hold its digits. */
  | 'OUT_OF_RANGE'
  /** The row names another symbol than the file. */
  | 'FOREIGN_SYMBOL'

/** A line that cannot be decoded: its number (from 1), the column, the reason, and the text (at most 4,096 characters). */
export type RejectedRow = { readonly line: number; readonly column: string | null; readonly reason: RejectReason; readonly text: string }

/** Facts about the content of a file, and about its rows in one range. Times are in microseconds; first and last are event times. */
export type FileEvidence = {
  rows: number
  first: number | undefined
  last: number | undefined
  /** Whether every key is greater than the one before. Not judged if a text column is part of the key. */
  ascending: boolean
  /** The first and the last key, column by column. */
  firstKey: readonly number[]
  lastKey: readonly number[]
  bom: boolean
  header: readonly string[] | undefined
  lineEnd: 'lf' | 'crlf' | 'none'
  /** The number of event times by unit. Date-times do not count. */
  unitMs: number
  unitUs: number
  rejected: number
  /** Rows with a value other than 0 in an unused column. */
  unused: number
  /** Rows of another partition, by the partition's start. */
  readonly elsewhere: Map<number, number>
  /** Whether the event times never decrease. */
  sorted: boolean
}
