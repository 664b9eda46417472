import { type ColumnValue, type IcebergType, plain, sqlType } from '../iceberg/values.ts'

/** SQL of a column in the form in which our code holds its values, and JSON can carry them. */
export function plainSql(column: string, type: IcebergType): string {
  if (type === 'date') return `datediff('day', DATE '1970-01-01', ${column})`
  if (type === 'timestamp' || type === 'timestamptz') return `epoch_us(${column})`
  // A file may have fewer digits before the point than its table by now, never others after it.
  return type.startsWith('decimal') ? `(${column}::${sqlType(type)}::VARCHAR).replace('.', '')::HUGEINT` : column
}

/** What JSON from the engine holds of such a column. */
export function plainValue(type: IcebergType, value: unknown): ColumnValue | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'number') return value
  const text = String(value)
  if (type === 'string') return text
  return /^-?\d+$/.test(text) ? plain(BigInt(text)) : Number(text)
}
