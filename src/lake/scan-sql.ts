import { quote, quoteName } from '../platform/duckdb/session.ts'
import type { DataFile } from './iceberg/manifest.ts'
import type { TableShape } from './iceberg/schema.ts'
import { keyOf, type Table } from './iceberg/table.ts'
import { sqlType } from './iceberg/values.ts'

/** SQL that reads files of a table as one of its shapes; without files it has the columns and no rows. */
export function scanSql(table: Table, { fields }: TableShape, files: readonly DataFile[]): string {
  const names = fields.map((field) => quoteName(field.name)).join(', ')
  if (files.length === 0)
    return `SELECT ${fields.map((field) => `NULL::${sqlType(field.type)} AS ${quoteName(field.name)}`).join(', ')} WHERE false`
  const paths = files.map((file) => quote(table.store.localPath(keyOf(table.store, file.path)))).join(', ')
  // Files keep the columns that they were written with: after a change they are read by field id, which takes a little longer.
  const schema =
    table.metadata.schemas.length === 1
      ? ''
      : `, schema = MAP {${fields.map((field) => `${field.id}: {name: ${quote(field.name)}, type: ${quote(sqlType(field.type))}, default_value: NULL}`).join(', ')}}`
  return `SELECT ${names} FROM read_parquet([${paths}], hive_partitioning = false${schema})`
}
