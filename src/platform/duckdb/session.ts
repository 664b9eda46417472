import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api'
import { asLakehouseError, type ErrorCode, LakehouseError } from '../../core/errors.ts'
import type { Engine } from './engine.ts'

export type SessionOptions = {
  readonly threads: number
  readonly memoryLimitMb: number
  /** The directory for data beyond the memory limit; removed with the session. */
  readonly temporaryDirectory: string
  /** How much it may spill; by default what the disk has. */
  readonly temporaryLimitMb?: number
}

/** An in-memory DuckDB with one connection, in UTC, without downloaded extensions. Its data end with the session. */
export class DuckDBSession {
  readonly #options: () => Promise<SessionOptions>
  #opening: Promise<DuckDBConnection> | undefined
  #opened: Engine | undefined

  private constructor(options: () => Promise<SessionOptions>) {
    this.#options = options
  }

  static async open(options: SessionOptions): Promise<DuckDBSession> {
    const session = new DuckDBSession(async () => options)
    await session.connected()
    return session
  }

  /** A session that is opened on first use. Without use, it saves 50 MB. */
  static lazy(options: () => Promise<SessionOptions>): DuckDBSession {
    return new DuckDBSession(options)
  }

  /** The connection. */
  async connected(): Promise<DuckDBConnection> {
    this.#opening ??= this.#open()
    return await this.#opening
  }

  async #open(): Promise<DuckDBConnection> {
    const options = await this.#options()
    const { openEngine } = await import('./engine.ts')
    this.#opened = await openEngine({
      threads: String(options.threads),
      memory_limit: `${options.memoryLimitMb}MB`,
      temp_directory: options.temporaryDirectory,
      ...(options.temporaryLimitMb === undefined ? {} : { max_temp_directory_size: `${options.temporaryLimitMb}MB` }),
      // With one thread, a stream keeps its order, and COPY writes each row group when it is full instead of keeping all in memory.
      preserve_insertion_order: options.threads === 1 ? 'false' : 'true',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    const { connection } = this.#opened
    await connection.run("SET TimeZone = 'UTC'")
    return connection
  }

  async run(sql: string): Promise<void> {
    await this.#guard('QUERY_FAILED', sql, async () => (await this.connected()).run(sql))
  }

  /** The rows of a small result, as objects with bigints and strings as DuckDB gives them. Never for bulk data. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    const reader = await this.#guard('QUERY_FAILED', sql, async () => (await this.connected()).runAndReadAll(sql))
    return reader.getRowObjectsJS()
  }

  /** The rows of a small result as JSON values: 64-bit integers are strings. */
  async jsonRows(sql: string): Promise<Record<string, unknown>[]> {
    const reader = await this.#guard('QUERY_FAILED', sql, async () => (await this.connected()).runAndReadAll(sql))
    return reader.getRowObjectsJson()
  }

  /** The column names and the first rows of a result, as arrays of JavaScript values. */
  async firstRows(sql: string, limit: number): Promise<{ names: string[]; rows: unknown[][] }> {
    const reader = await this.#guard('QUERY_FAILED', sql, async () => (await this.connected()).streamAndReadUntil(sql, limit))
    return { names: reader.deduplicatedColumnNames(), rows: reader.getRowsJS().slice(0, limit) }
  }

  /** A result read chunk by chunk as it is made. */
  async stream(sql: string): Promise<DuckDBResult> {
    return await this.#guard('QUERY_FAILED', sql, async () => (await this.connected()).stream(sql))
  }

  interrupt(): void {
    this.#opened?.connection.interrupt()
  }

  close(): void {
    this.#opened?.connection.closeSync()
    this.#opened?.instance.closeSync()
    this.#opened = undefined
  }

  async #guard<T>(code: ErrorCode, sql: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw engineError(code, error, sql)
    }
  }
}

/** Errors of the operating system, as the engine prints them. */
const SYSTEM_MESSAGES: readonly (readonly [text: string, code: ErrorCode])[] = [
  ['No space left on device', 'DISK_FULL'],
  ['Disk quota exceeded', 'DISK_FULL'],
  ['Too many open files', 'FILES_EXHAUSTED'],
  ['Permission denied', 'ACCESS_DENIED'],
  ['Read-only file system', 'ACCESS_DENIED'],
  ['File too large', 'FILE_TOO_LARGE'],
  ['Input/output error', 'DISK_FAILED'],
  ['Cannot allocate memory', 'MEMORY_EXHAUSTED'],
]

/** Converts an error of DuckDB to our codes. Parser, binder and catalog errors come from the query; an interruption is not a failure. */
function engineError(code: ErrorCode, error: unknown, sql: string): LakehouseError {
  const message = error instanceof Error ? error.message : String(error)
  if (/^INTERRUPT Error/.test(message)) return new LakehouseError('INTERRUPTED', 'interrupted', { cause: error })
  for (const [text, known] of SYSTEM_MESSAGES) if (message.includes(text)) return new LakehouseError(known, message, { cause: error })
  if (/^(Parser|Binder|Catalog|Conversion) Error/.test(message))
    return new LakehouseError('SQL_INVALID', message, { details: { sql: sql.slice(0, 200) }, cause: error })
  return new LakehouseError(code, asLakehouseError(error).message, { details: { sql: sql.slice(0, 200) }, cause: error })
}

/** The text as a SQL string literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The text as a SQL identifier. */
export function quoteName(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
