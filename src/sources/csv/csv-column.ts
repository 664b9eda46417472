import type { ColumnType } from '../../datasets/contract.ts'

/**
 * How a published field is read. instant: milliseconds or microseconds since 1970; datetime: YYYY-MM-DD hh:mm:ss UTC; day: YYYY-MM-DD; hour: whole hours to add to the
 * event time; long: integer below 2^53; double: decimal text that a double represents without loss; boolean: true or false in upper or lower case.
 */
export type FieldType = 'instant' | 'datetime' | 'day' | 'hour' | 'double' | 'long' | 'string' | 'boolean'

/** How a published field is stored. */
export function storedAs(type: FieldType): ColumnType {
  return type === 'datetime' || type === 'day' || type === 'hour' ? 'instant' : type
}

/** One column of a published CSV. */
export type CsvColumn = {
  /** Name in silver, or undefined for a column without its own information. */
  readonly name: string | undefined
  readonly type: FieldType
  /** Header spellings seen in published files, lower case, the exchange's own first. */
  readonly headers: readonly string[]
  /** Whether the field may be empty, which gives null in silver. */
  readonly optional?: true
  /** Whether the column is unused and should be 0. Other values are counted. */
  readonly unused?: true
  /** Whether the column repeats the symbol in the name of the file. A row with another symbol is rejected. */
  readonly isSymbol?: true
}
