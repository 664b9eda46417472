import { parseInstant } from '../../core/time.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import { digestOfFile } from '../../storage/digests.ts'
import { type DataFile, noNans } from '../iceberg/manifest.ts'
import { fieldIdsOption, type IcebergField } from '../iceberg/schema.ts'
import { type ColumnValue, type IcebergType, plain } from '../iceberg/values.ts'

export type ParquetSettings = { readonly rowGroupSize: number; readonly dictionarySizeLimit: number; readonly zstdLevel: number }

/** A data file without its path: what the writer knows about the content. */
export type WrittenFile = Omit<DataFile, 'path' | 'specId' | 'partition' | 'sha256'> & { readonly sha256: string }

/** The answer of COPY … RETURN_STATS, as JSON values. */
type CopyAnswer = { count: string; file_size_bytes: string; column_statistics: { key: string; value: { key: string; value: string }[] }[] }

/**
 * Writes the rows of a query into a Parquet file that every Iceberg reader accepts (field ids, version 1 encodings) and returns its statistics.
 * Bounds that the engine does not give are left out. The columns of the query must be the fields, in their order. The rows must be in the order of the table, without NaN.
 */
export async function writeDataFile(
  session: DuckDBSession,
  query: string,
  fields: readonly IcebergField[],
  path: string,
  settings: ParquetSettings,
): Promise<WrittenFile> {
  const options = [
    'FORMAT parquet',
    'COMPRESSION zstd',
    `COMPRESSION_LEVEL ${settings.zstdLevel}`,
    `ROW_GROUP_SIZE ${settings.rowGroupSize}`,
    `DICTIONARY_SIZE_LIMIT ${settings.dictionarySizeLimit}`,
    `FIELD_IDS ${fieldIdsOption(fields)}`,
    'RETURN_STATS',
  ]
  const [row] = await session.jsonRows(`COPY (${query}) TO ${quote(path)} (${options.join(', ')})`)
  const written = row as CopyAnswer
  const columns = new Map(
    written.column_statistics.map(({ key, value }) => [key.slice(1, -1), new Map(value.map((entry) => [entry.key, entry.value]))]),
  )
  const collect = <V>(of: (column: ReadonlyMap<string, string>, field: IcebergField) => V | undefined): Map<number, V> => {
    const found = new Map<number, V>()
    for (const field of fields) {
      const value = of(columns.get(field.name) ?? new Map(), field)
      if (value !== undefined) found.set(field.id, value)
    }
    return found
  }
  const number = (name: string) => (column: ReadonlyMap<string, string>) => (column.has(name) ? Number(column.get(name)) : undefined)
  return {
    sha256: await digestOfFile(path),
    rows: Number(written.count),
    bytes: Number(written.file_size_bytes),
    columnBytes: collect(number('column_size_bytes')),
    nulls: collect(number('null_count')),
    lower: collect((column, field) => parseStatistic(field.type, column.get('min'))),
    upper: collect((column, field) => parseStatistic(field.type, column.get('max'))),
    nans: noNans({ fields }),
    sorted: true,
  }
}

/** A minimum or maximum as RETURN_STATS prints it. */
function parseStatistic(type: IcebergType, text: string | undefined): ColumnValue | undefined {
  if (text === undefined) return undefined
  switch (type) {
    case 'string':
      return text
    case 'boolean':
      return text === '1' || text === 'true'
    case 'int':
    case 'float':
    case 'double':
      return Number(text)
    case 'long':
      return plain(BigInt(text))
    case 'date':
      return Math.round(Date.parse(`${text}T00:00:00Z`) / 86_400_000)
    case 'timestamp':
    case 'timestamptz':
      return parseInstant(text.replace(/\+00$/, 'Z'))
  }
  return plain(BigInt(text.replace('.', '')))
}
