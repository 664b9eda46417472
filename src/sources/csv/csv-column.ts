import type { ColumnType } from '../../datasets/contract.ts'

/**
 * How a published field is read. instant: milliseconds or microseconds since 1970; datetime: YYYY-MM-DD hh:mm:ss UTC; day: YYYY-MM-DD; hour: whole hours that are added to the
 * event time; long: integer below 2^53; double: decimal text that a double carries without loss; boolean: true or false in any case.
 */
export type FieldType = 'instant' | 'datetime' | 'day' | 'hour' | 'double' | 'long' | 'string' | 'boolean'

/** How a published field is stored. */
export function storedAs(type: FieldType): ColumnType {
  return type === 'datetime' || type === 'day' || type === 'hour' ? 'instant' : type
}

/** One column of a published CSV. */
export type CsvColumn = {
  /** Name in silver, or undefined for a column that carries nothing of its own. */
  readonly name: string | undefined
  readonly type: FieldType
  /** Header spellings seen in published files, lower case, the exchange's own first. */
  readonly headers: readonly string[]
  /** The exchange leaves it empty where it has no value: null in silver. */
  readonly optional?: true
  /** Means nothing, and should hold 0: what holds something else is counted. */
  readonly unused?: true
}
