import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataType, Table } from 'apache-arrow'
import { LakehouseError } from '../core/errors.ts'
import { formatInstant } from '../core/time.ts'
import { quote, quoteName } from '../platform/duckdb/session.ts'
import { temporaryName } from '../storage/temporary.ts'

type Rows = readonly Readonly<Record<string, unknown>>[]

/** Rows as objects, columns as arrays of one length, an Arrow table or the bytes of its IPC stream, or the text of a SELECT over files and values. */
export type TabularData = string | Rows | Readonly<Record<string, readonly unknown[]>> | Table | Uint8Array

/** Runs `use` with a SELECT that gives the data. Throws USAGE for data without columns, with columns of different lengths, or with a value that no column type holds. */
export async function withSelect<T>(data: TabularData, use: (select: string) => Promise<T>): Promise<T> {
  if (typeof data === 'string') return await use(data)
  const { types, rows } = await typedRows(data)
  if (types.size === 0) throw new LakehouseError('USAGE', 'the data have no columns: give at least one row, or columns with values')
  const file = join(tmpdir(), temporaryName('.ndjson'))
  try {
    await writeFile(file, lines(rows), { mode: 0o600 })
    const columns = [...types].map(([name, type]) => `${quoteName(name)}: ${quote(type)}`).join(', ')
    return await use(`SELECT * FROM read_json(${quote(file)}, format = 'newline_delimited', columns = {${columns}})`)
  } finally {
    await rm(file, { force: true })
  }
}

type TypedRows = { readonly types: ReadonlyMap<string, string>; readonly rows: Iterable<Readonly<Record<string, unknown>>> }

async function typedRows(data: Exclude<TabularData, string>): Promise<TypedRows> {
  if (data instanceof Uint8Array) {
    const { tableFromIPC } = await import('apache-arrow')
    return await arrowRows(tableFromIPC(data))
  }
  if (isArrow(data)) return await arrowRows(data)
  const rows = Array.isArray(data) ? (data as Rows) : [...columnRows(data as Readonly<Record<string, readonly unknown[]>>)]
  return { types: typesOf(rows), rows }
}

function isArrow(data: object): data is Table {
  return 'schema' in data && 'batches' in data && 'numRows' in data
}

function* columnRows(columns: Readonly<Record<string, readonly unknown[]>>): Generator<Record<string, unknown>> {
  const entries = Object.entries(columns)
  const length = entries[0]?.[1].length ?? 0
  for (const [name, values] of entries)
    if (values.length !== length)
      throw new LakehouseError('USAGE', `column ${name} has ${values.length} values, the first column ${length}`)
  for (let at = 0; at < length; at++) yield Object.fromEntries(entries.map(([name, values]) => [name, values[at]]))
}

/** The column types of plain values; a column that is always null is text. */
function typesOf(rows: Rows): Map<string, string> {
  const types = new Map<string, string>()
  for (const [index, row] of rows.entries())
    for (const [name, value] of Object.entries(row)) {
      const type = value === null || value === undefined ? undefined : typeOf(value)
      if (type === 'unknown') throw new LakehouseError('USAGE', `row ${index + 1}, column ${name}: a ${typeof value} is not a column value`)
      const known = types.get(name)
      if (known !== undefined && known !== '' && type !== undefined && known !== type)
        throw new LakehouseError('USAGE', `row ${index + 1}, column ${name}: the value is ${type}, earlier values are ${known}`)
      if (known === undefined || known === '') types.set(name, type ?? '')
    }
  return new Map([...types].map(([name, type]) => [name, type === '' ? 'VARCHAR' : type]))
}

function typeOf(value: unknown): string {
  if (value instanceof Date) return 'TIMESTAMPTZ'
  const names: Readonly<Record<string, string>> = { number: 'DOUBLE', bigint: 'BIGINT', boolean: 'BOOLEAN', string: 'VARCHAR' }
  return names[typeof value] ?? 'unknown'
}

async function arrowRows(table: Table): Promise<TypedRows> {
  const arrow = await import('apache-arrow')
  const types = new Map(table.schema.fields.map(({ name, type }) => [name, arrowType(arrow, name, type)]))
  const instants = new Set([...types].filter(([, type]) => type.startsWith('TIMESTAMP')).map(([name]) => name))
  const plain = (name: string, value: unknown) =>
    typeof value === 'number' && instants.has(name) ? formatInstant(Math.round(value * 1000)) : value
  function* rows(): Generator<Record<string, unknown>> {
    for (const row of table) yield Object.fromEntries([...types.keys()].map((name) => [name, plain(name, row?.[name])]))
  }
  return { types, rows: rows() }
}

function arrowType(arrow: typeof import('apache-arrow'), name: string, type: DataType): string {
  if (arrow.DataType.isDictionary(type)) return arrowType(arrow, name, type.dictionary)
  if (arrow.DataType.isInt(type)) return type.bitWidth === 64 ? 'BIGINT' : type.bitWidth === 32 && !type.isSigned ? 'BIGINT' : 'INTEGER'
  if (arrow.DataType.isFloat(type)) return 'DOUBLE'
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isLargeUtf8(type)) return 'VARCHAR'
  if (arrow.DataType.isBool(type)) return 'BOOLEAN'
  if (arrow.DataType.isTimestamp(type)) return (type.timezone ?? '') === '' ? 'TIMESTAMP' : 'TIMESTAMPTZ'
  throw new LakehouseError(
    'USAGE',
    `column ${name}: Arrow type ${String(type)} cannot be stored; cast it to a number, text, boolean or timestamp`,
  )
}

function* lines(rows: TypedRows['rows']): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(row, (_, value: unknown) => jsonValue(value))}\n`
}

/** What JSON has no form for goes as text, which the column's type reads. */
function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}
