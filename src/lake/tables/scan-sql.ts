import { LakehouseError } from '../../core/errors.ts'
import { type DuckDBSession, quote, quoteName } from '../../platform/duckdb/session.ts'
import { type ObjectStore, openAll } from '../../storage/object-store.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { nameMapping } from '../iceberg/name-mapping.ts'
import { mayHaveNan } from '../iceberg/scan.ts'
import type { IcebergField, TableShape } from '../iceberg/schema.ts'
import { currentFiles, keyOf, type Table } from '../iceberg/table.ts'
import { sqlType } from '../iceberg/values.ts'

/** Local copies of data files, in their order. */
export async function openFiles(store: ObjectStore, files: readonly Pick<DataFile, 'path'>[]): Promise<string[]> {
  return await openAll(
    store,
    files.map((file) => keyOf(store, file.path)),
  )
}

type OpenFiles = (store: ObjectStore, files: readonly DataFile[]) => Promise<string[]>

/**
 * SQL that reads files of a table with one of its shapes; without files it gives the columns and zero rows. `open` gives the local path of a file.
 * Throws TABLE_UNSUPPORTED when the columns of a file cannot be identified.
 */
export async function scanSql(
  session: DuckDBSession,
  table: Table,
  { fields }: TableShape,
  files: readonly DataFile[],
  open: OpenFiles = openFiles,
): Promise<string> {
  if (files.length === 0)
    return `SELECT ${fields.map((field) => `NULL::${sqlType(field.type)} AS ${quoteName(field.name)}`).join(', ')} WHERE false`
  const paths = await open(table.store, files)
  const names = fields.map((field) => quoteName(field.name)).join(', ')
  const { schemas, 'last-column-id': lastId } = table.metadata
  const isFirst = schemas.length === 1 && schemas[0]?.['schema-id'] === 0 && lastId === fields.length
  // Without this the engine leaves out row groups with NaN by their statistics, which do not count NaN.
  const nan = fields.some((field) => files.some((file) => mayHaveNan(file, field))) ? ', can_have_nan = true' : ''
  // Some writers spell other names differently in their files.
  const hasPlainNames = fields.every(({ name }) => /^[A-Za-z_]\w*$/.test(name))
  if (isFirst && hasPlainNames)
    return `SELECT ${names} FROM read_parquet([${paths.map(quote).join(', ')}], hive_partitioning = false${nan})`
  // Files keep the columns they were written with: after a schema change they are read by field id, which takes a little longer.
  const foreign = await columnsWithoutIds(session, files, paths)
  const own = paths.filter((_, index) => !foreign.has(index))
  const columns = fields.map(({ id, name, type }) => `${id}: {name: ${quote(name)}, type: ${quote(sqlType(type))}, default_value: NULL}`)
  const byId = `SELECT ${names} FROM read_parquet([${own.map(quote).join(', ')}], hive_partitioning = false${nan}, schema = MAP {${columns.join(', ')}})`
  const byName = [...foreign].map(([index, held]) => mappedSql(table, fields, paths[index] ?? '', held))
  return [...(own.length === 0 ? [] : [byId]), ...byName].join(' UNION ALL ')
}

/** SQL that reads every row of the current snapshot of a table. */
export async function everyRow(session: DuckDBSession, table: Table): Promise<string> {
  return await scanSql(session, table, table.shape, await currentFiles(table))
}

/** Files whose columns are known to have field ids. Files never change. */
const carryIds = new Set<string>()
const KNOWN_MOST = 200_000

/** The column names of files that other programs wrote without field ids, by the index of the file. */
async function columnsWithoutIds(
  session: DuckDBSession,
  files: readonly DataFile[],
  paths: readonly string[],
): Promise<Map<number, Set<string>>> {
  const found = new Map<number, Set<string>>()
  const unknown = [...files.keys()].filter((index) => !carryIds.has(files[index]?.path ?? ''))
  if (unknown.length === 0) return found
  const list = unknown.map((index) => quote(paths[index] ?? '')).join(', ')
  const rows = await session.jsonRows(`SELECT file_name, list(name) AS names, count(field_id) AS ids FROM parquet_schema([${list}])
    WHERE column_id <> 0 GROUP BY file_name`)
  const byPath = new Map(rows.map((row) => [String(row['file_name']), row]))
  if (carryIds.size > KNOWN_MOST) carryIds.clear()
  for (const index of unknown) {
    const row = byPath.get(paths[index] ?? '')
    if (Number(row?.['ids']) > 0) carryIds.add(files[index]?.path ?? '')
    else found.set(index, new Set(row?.['names'] as string[]))
  }
  return found
}

/** SQL that reads one file without field ids by the table's name mapping. */
function mappedSql({ metadata, root }: Table, fields: readonly IcebergField[], path: string, held: ReadonlySet<string>): string {
  const mapping = nameMapping(metadata, root)
  if (mapping === undefined)
    throw new LakehouseError(
      'TABLE_UNSUPPORTED',
      `cannot read ${path}: its columns do not have field ids and ${root} does not have a name mapping; set the property schema.name-mapping.default in the program that added the file`,
      { details: { table: root, file: path } },
    )
  const columns = fields.map(({ id, name, type }) => {
    const column = [...held].find((one) => mapping.get(one) === id)
    return `${column === undefined ? 'NULL' : quoteName(column)}::${sqlType(type)} AS ${quoteName(name)}`
  })
  return `SELECT ${columns.join(', ')} FROM read_parquet(${quote(path)}, hive_partitioning = false)`
}
