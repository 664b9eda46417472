import { quote, quoteName } from '../platform/duckdb/session.ts'
import { type ObjectStore, openAll } from '../storage/object-store.ts'
import type { DataFile } from './iceberg/manifest.ts'
import type { TableShape } from './iceberg/schema.ts'
import { currentFiles, keyOf, type Table } from './iceberg/table.ts'
import { sqlType } from './iceberg/values.ts'

/** Data files as files of this machine, in their order. */
export async function openFiles(store: ObjectStore, files: readonly Pick<DataFile, 'path'>[]): Promise<string[]> {
  return await openAll(
    store,
    files.map((file) => keyOf(store, file.path)),
  )
}

type OpenFiles = (store: ObjectStore, files: readonly DataFile[]) => Promise<string[]>

/** SQL that reads files of a table as one of its shapes; without files it has the columns and no rows. `open` finds the files on this machine. */
export async function scanSql(
  table: Table,
  { fields }: TableShape,
  files: readonly DataFile[],
  open: OpenFiles = openFiles,
): Promise<string> {
  const names = fields.map((field) => quoteName(field.name)).join(', ')
  if (files.length === 0)
    return `SELECT ${fields.map((field) => `NULL::${sqlType(field.type)} AS ${quoteName(field.name)}`).join(', ')} WHERE false`
  const paths = (await open(table.store, files)).map(quote).join(', ')
  // Files keep the columns that they were written with: after a change they are read by field id, which takes a little longer.
  const columns = fields.map(({ id, name, type }) => `${id}: {name: ${quote(name)}, type: ${quote(sqlType(type))}, default_value: NULL}`)
  const { schemas, 'last-column-id': lastId } = table.metadata
  const isFirst = schemas.length === 1 && schemas[0]?.['schema-id'] === 0 && lastId === fields.length
  const schema = isFirst ? '' : `, schema = MAP {${columns.join(', ')}}`
  return `SELECT ${names} FROM read_parquet([${paths}], hive_partitioning = false${schema})`
}

/** SQL that reads every row of a table as it is now. */
export async function everyRow(table: Table): Promise<string> {
  return await scanSql(table, table.shape, await currentFiles(table))
}
