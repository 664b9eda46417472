export type RejectReason =
  | 'FIELD_COUNT'
  | 'NOT_A_NUMBER'
  | 'NOT_AN_INTEGER'
  | 'NOT_A_BOOLEAN'
  | 'NOT_A_TIME'
  | 'EMPTY'
  | 'TIME_IMPLAUSIBLE'
  | 'LINE_TOO_LONG'

/** A line that cannot be typed: its number (from 1), the column, why, and its text (at most 4,096 characters). */
export type RejectedRow = { readonly line: number; readonly column: string | null; readonly reason: RejectReason; readonly text: string }

/** What a file turned out to be, and its rows of one range. Times are microseconds; first and last are those of the event time. */
export type FileEvidence = {
  rows: number
  first: number | undefined
  last: number | undefined
  /** Every key is greater than the one before; not judged where text is part of it. */
  ascending: boolean
  /** The first and the last key, column by column. */
  firstKey: readonly number[]
  lastKey: readonly number[]
  bom: boolean
  header: readonly string[] | undefined
  lineEnd: 'lf' | 'crlf' | 'none'
  /** Event times by the unit that they were written in; those written as date-times are in none. */
  unitMs: number
  unitUs: number
  rejected: number
  /** Rows whose column that should hold nothing holds something other than 0. */
  unused: number
  /** Rows of another partition, by the partition's start. */
  readonly elsewhere: Map<number, number>
  /** No event time is earlier than the one before. */
  sorted: boolean
}
