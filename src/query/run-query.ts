import { execFile } from 'node:child_process'
import { constants, createReadStream, createWriteStream, existsSync, openSync } from 'node:fs'
import { copyFile, readlink, rename, rm, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { asLakehouseError, LakehouseError, systemCode } from '../core/errors.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import type { Layer } from '../lake/layout.ts'
import { listTables } from '../lake/tables/list-tables.ts'
import { type DuckDBSession, quote, quoteName } from '../platform/duckdb/session.ts'
import { sweepTemporaries } from '../storage/local.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { mayBeAtWork, temporaryName } from '../storage/temporary.ts'
import { bindTables } from './bind.ts'
import type { BoundTable } from './bound-table.ts'
import { unflaggedView } from './flagged.ts'
import { displaySelect, exactDecimal, exactSelect, jsonNumber } from './formats/display.ts'
import { textTable } from './formats/text-table.ts'
import { bindFunctions } from './functions/bind-functions.ts'
import { closeSession, fence, giveSession, openSession, takeSession } from './session-pool.ts'
import { analyse, type TableReference } from './statement.ts'

export const RESULT_FORMATS = ['table', 'json', 'ndjson', 'csv', 'parquet', 'arrow'] as const

export type ResultFormat = (typeof RESULT_FORMATS)[number]

/** What the result and the intermediate results of a statement may take. */
export type ResultBounds = {
  /** Rows of the result. */
  readonly maxRows: number
  /** Disk for intermediate results, and for a result that is written to a file. */
  readonly spillMb: number
}

/** What any statement runs under. */
export type QueryLimits = ResultBounds & {
  readonly asOf: AsOf | undefined
  /** Where tables are looked for that are named without a layer. */
  readonly layer?: Layer | undefined
  readonly threads: number
  readonly memoryLimitMb: number
  /** Folders outside of the lake to which its files may be linked. */
  readonly linked: readonly string[]
  readonly signal: AbortSignal
}

export type QueryOptions = QueryLimits & {
  readonly format: ResultFormat
  /** A file that is made, or a stream that is written to and left open. */
  readonly output: string | Writable
}

/** So many rows are handed out as objects. */
const OBJECT_ROWS = 100_000

/** So many rows are shown of a table. */
const TABLE_ROWS = 200

const COPY_OPTIONS = {
  csv: 'FORMAT csv, HEADER',
  json: 'FORMAT json, ARRAY true',
  ndjson: 'FORMAT json',
  parquet: 'FORMAT parquet, COMPRESSION zstd',
} as const

/**
 * Runs one read-only statement over the lake and writes its result. Only files that the conditions leave are opened, bulk formats are made by the engine
 * itself, in a folder of this process: the engine never reaches the folder of the output. Throws SQL_INVALID, SQL_REFUSED, TABLE_NOT_FOUND, SNAPSHOT_NOT_FOUND,
 * QUERY_FAILED, OUTPUT_FAILED, INTERRUPTED.
 */
export async function runQuery(store: ObjectStore, sql: string, options: QueryOptions): Promise<BoundTable[]> {
  return await withResult(store, sql, options, async ({ session, tables, scratch, asResult }) => {
    await asResult()
    await writeResult(session, options, scratch)
    return tables
  })
}

/** The rows of a small result as objects, values as JavaScript has them. Throws QUERY_FAILED for more than 100,000 rows. */
export async function selectRows(store: ObjectStore, sql: string, limits: QueryLimits): Promise<Record<string, unknown>[]> {
  return await withResult(store, sql, limits, ({ session }) => objects(session, selectOf(sql)))
}

/** The same with values that JSON carries: instants, dates, 64-bit integers beyond 2^53 and what else has no form there as text that loses nothing. */
export async function displayRows(store: ObjectStore, sql: string, limits: QueryLimits): Promise<Record<string, unknown>[]> {
  return await withResult(store, sql, limits, async ({ session, asResult }) => {
    await asResult()
    const columns = await resultColumns(session)
    const rows = await objects(session, displaySelect('result', columns))
    const decimals = new Set(columns.filter(({ type }) => type.startsWith('DECIMAL')).map(({ name }) => name))
    for (const row of rows)
      for (const [name, value] of Object.entries(row)) {
        if (typeof value === 'bigint') row[name] = jsonNumber(value)
        else if (typeof value === 'string' && decimals.has(name)) row[name] = exactDecimal(value)
      }
    return rows
  })
}

async function objects(session: DuckDBSession, sql: string): Promise<Record<string, unknown>[]> {
  const { names, rows } = await session.firstRows(sql, OBJECT_ROWS + 1)
  if (rows.length > OBJECT_ROWS)
    throw new LakehouseError('QUERY_FAILED', `the result has more than ${OBJECT_ROWS} rows: use --format ndjson, csv, parquet or arrow`, {
      details: { rows: OBJECT_ROWS },
    })
  return rows.map((row) => {
    const object: Record<string, unknown> = {}
    for (let index = 0; index < names.length; index++) object[names[index] ?? ''] = row[index]
    return object
  })
}

/** How the statement's tables would be read, without running it. */
export async function explainQuery(store: ObjectStore, sql: string, limits: QueryLimits): Promise<BoundTable[]> {
  return await withResult(store, sql, limits, async ({ tables, asResult }) => {
    // A statement that cannot be bound is none to explain.
    await asResult()
    return tables
  })
}

type Opened = {
  readonly session: DuckDBSession
  readonly tables: BoundTable[]
  readonly scratch: string
  /** Makes the statement the view `result`. */
  readonly asResult: () => Promise<void>
}

/** Runs `use` where the statement's tables are views, in a session that the signal interrupts. */
async function withResult<T>(store: ObjectStore, sql: string, limits: QueryLimits, use: (opened: Opened) => Promise<T>): Promise<T> {
  const { threads, memoryLimitMb, spillMb, signal, layer } = limits
  const options = { folders: [...store.files.folders, ...limits.linked], threads, memoryLimitMb, spillMb }
  // What looks for names elsewhere gets a session of its own.
  const isUsual = layer === undefined
  const opened = isUsual ? await takeSession(options) : await openSession(options)
  const { session } = opened
  const stop = () => session.interrupt()
  signal.addEventListener('abort', stop)
  let isInOrder = false
  // What such functions leave behind is not worth looking for: such a session is not used again.
  let isPlain = true
  let bound: readonly TableReference[] = []
  try {
    const names = new Set(layer === undefined ? [] : await listTables(store, layer))
    const analysis = await analyse(session, sql, (name) => (names.has(name) ? layer : undefined))
    bound = analysis.references
    const bind = (whole: boolean) => bindTables(session, store, analysis, { asOf: limits.asOf, whole })
    const tables = await bind(false)
    await bindFunctions({ session, store, asOf: limits.asOf, onRead: (table) => tables.push(table) }, analysis.calls)
    if (analysis.calls.length > 0) isPlain = false
    if (layer !== undefined) await session.run(`SET search_path = 'main,${layer}'`)
    const asResult = () => session.run(`CREATE OR REPLACE TEMP VIEW result AS ${selectOf(sql)}`)
    if (!isUsual) await fence(opened, options.folders)
    signal.throwIfAborted()
    const run = () => use({ session, tables, scratch: opened.scratch, asResult })
    const done = await run().catch(async (error: unknown) => {
      if (store.capabilities.localFiles || asLakehouseError(error).code !== 'QUERY_FAILED') throw error
      // It may have read where a copy in the cache has nothing: nothing of its result has been given out, and the whole files tell.
      await bind(true)
      return await run()
    })
    signal.throwIfAborted()
    isInOrder = isUsual && isPlain
    return done
  } finally {
    signal.removeEventListener('abort', stop)
    if (isInOrder && (await forget(session, bound))) await giveSession(opened, options)
    else await closeSession(opened)
  }
}

/** Takes away what a query has left in its session, so that the next one finds nothing of it; false where that did not work. */
async function forget(session: DuckDBSession, bound: readonly TableReference[]): Promise<boolean> {
  try {
    await session.run('DROP VIEW IF EXISTS result')
    for (const { layer, name } of bound)
      for (const view of [name, unflaggedView(name)]) await session.run(`DROP VIEW IF EXISTS ${layer}.${quoteName(view)}`)
    return true
  } catch {
    return false
  }
}

async function writeResult(session: DuckDBSession, options: QueryOptions, scratch: string): Promise<void> {
  const { format, output } = options
  if (format === 'table' && typeof output !== 'string') return await writeTo(output, [`${await showTable(session)}\n`])
  if (typeof output === 'string' && !existsSync(dirname(resolve(output))))
    throw new LakehouseError('OUTPUT_FAILED', `there is no folder ${dirname(resolve(output))} to write to`, { details: { output } })
  const file = join(scratch, temporaryName())
  try {
    if (typeof output !== 'string' && format !== 'arrow' && format !== 'table' && (await makePipe(file)))
      return await streamCopy(session, file, format, output, options)
    if (format === 'arrow') await writeArrow(session, file)
    else if (format === 'table') await pipeline(Readable.from([`${await showTable(session)}\n`]), createWriteStream(file))
    else await copyTo(session, file, format, options)
    if (typeof output === 'string') await moveFile(file, resolve(output))
    else await writeTo(output, createReadStream(file))
  } catch (error) {
    const failure = asLakehouseError(error)
    if (
      failure.code === 'INTERNAL' ||
      (failure.code === 'QUERY_FAILED' && /^IO Error: Cannot open file|Permission denied/.test(failure.message))
    )
      throw new LakehouseError('OUTPUT_FAILED', `the result cannot be written: ${failure.message}`, { cause: error })
    throw failure
  } finally {
    await rm(file, { force: true })
  }
}

type CopyFormat = keyof typeof COPY_OPTIONS

/** The engine writes the result to a file of this process. Throws QUERY_LIMIT when it has more rows than it may. */
async function copyTo(session: DuckDBSession, file: string, format: CopyFormat, { maxRows }: ResultBounds): Promise<void> {
  const rows = `${exactSelect(format, await resultColumns(session))} LIMIT ${maxRows + 1}`
  const [counted] = await session.rows(`COPY (${rows}) TO ${quote(file)} (${COPY_OPTIONS[format]}, USE_TMP_FILE false)`)
  if (Number(counted?.['Count']) > maxRows)
    throw new LakehouseError('QUERY_LIMIT', `the result has more than ${maxRows} rows: narrow the query, or raise --max-rows`, {
      details: { maxRows },
    })
}

/** The engine writes the result to a named pipe, and the output takes it as fast as it can: nothing is kept on disk. */
async function streamCopy(session: DuckDBSession, file: string, format: CopyFormat, output: Writable, bounds: ResultBounds): Promise<void> {
  // Opened without waiting for a writer: a statement that fails at once never opens the pipe.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  const pipe = new Socket({ fd: descriptor, readable: true, writable: false })
  let failure: unknown
  const copied = copyTo(session, file, format, bounds).catch((error: unknown) => {
    failure = error
    pipe.destroy()
  })
  try {
    await pipeline(pipe, output, { end: false })
  } catch (error) {
    // A reader that closes early (`| head`) is not a failure: the engine stops at the closed pipe.
    if (systemCode(error) === 'EPIPE') return session.interrupt()
    if (failure === undefined) throw error
  }
  await copied
  if (failure !== undefined) throw failure
}

/** Makes a named pipe; false where the system has none. */
async function makePipe(file: string): Promise<boolean> {
  return await promisify(execFile)('mkfifo', ['-m', '600', file]).then(
    () => true,
    () => false,
  )
}

/** The file that a chain of links leads to, whether it exists or not. */
async function linkTarget(path: string): Promise<string> {
  let at = path
  for (let links = 0; links < LINKS_MOST; links++) {
    const next = await readlink(at).catch(() => undefined)
    if (next === undefined) return at
    at = resolve(dirname(at), next)
  }
  throw new LakehouseError('OUTPUT_FAILED', `${path} is a chain of more than ${LINKS_MOST} links: name the file itself`)
}

const LINKS_MOST = 20

/**
 * Puts a finished file into its place at once; to another file system it is copied first. A link is followed; a pipe or a device is written to and stays what it is.
 */
async function moveFile(from: string, named: string): Promise<void> {
  const target = await stat(named).catch(() => undefined)
  if (target?.isFile() === false) return await pipeline(createReadStream(from), createWriteStream(named, { flags: 'r+' }))
  const to = await linkTarget(named)
  await sweepTemporaries(dirname(to), mayBeAtWork, { deep: false })
  try {
    await rename(from, to)
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error
    const temporary = join(dirname(to), temporaryName())
    try {
      await copyFile(from, temporary)
      await rename(temporary, to)
    } finally {
      await rm(temporary, { force: true })
    }
  }
}

async function writeArrow(session: DuckDBSession, file: string): Promise<void> {
  // Loaded when it is needed: it would double the time of every other start.
  const { arrowSelect, arrowStream } = await import('./formats/arrow.ts')
  const result = await session.stream(arrowSelect('result', await resultColumns(session)))
  await pipeline(Readable.from(arrowStream(result)), createWriteStream(file))
}

/** Writes to a stream as fast as it takes it. A reader that closes early (`| head`) is not a failure. */
async function writeTo(output: Writable, content: Iterable<string> | AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(content, output, { end: false })
  } catch (error) {
    if (systemCode(error) !== 'EPIPE') throw error
  }
}

async function showTable(session: DuckDBSession): Promise<string> {
  const { names, rows } = await session.firstRows(displaySelect('result', await resultColumns(session)), TABLE_ROWS + 1)
  const shown = rows.slice(0, TABLE_ROWS)
  const note = rows.length > TABLE_ROWS ? `\n… more rows: narrow the query, or use --format csv` : ''
  return `${textTable(names, shown)}${note}\n(${rows.length > TABLE_ROWS ? `first ${TABLE_ROWS}` : rows.length} row${rows.length === 1 ? '' : 's'})`
}

async function resultColumns(session: DuckDBSession): Promise<{ name: string; type: string }[]> {
  const described = await session.rows('DESCRIBE result')
  return described.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }))
}

/** DESCRIBE and SUMMARIZE are not SELECTs, but can be subqueries. */
function selectOf(sql: string): string {
  return /^\s*(describe|summarize|show)\b/i.test(sql) ? `SELECT * FROM (${sql.replace(/;\s*$/, '')}\n)` : sql
}
