import { type ColumnValue, type IcebergType, plain, sqlType } from '../iceberg/values.ts'

/** SQL that gives the values of a column as our code stores them, in a form that JSON can carry. */
export function plainSql(column: string, type: IcebergType): string {
  if (type === 'date') return `datediff('day', DATE '1970-01-01', ${column})`
  if (type === 'timestamp' || type === 'timestamptz') return `epoch_us(${column})`
  // A file may have fewer digits before the decimal point than its table has now. The digits after it never differ.
  return type.startsWith('decimal') ? `(${column}::${sqlType(type)}::VARCHAR).replace('.', '')::HUGEINT` : column
}

/** The value of such a column, from the JSON of the engine. */
export function plainValue(type: IcebergType, value: unknown): ColumnValue | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'number') return value
  const text = String(value)
  if (type === 'string') return text
  return /^-?\d+$/.test(text) ? plain(BigInt(text)) : Number(text)
}
