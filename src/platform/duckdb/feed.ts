import { BIGINT, BOOLEAN, DOUBLE, DuckDBTableFunction, type DuckDBType, ENUM, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { LakehouseError } from '../../core/errors.ts'
import type { DuckDBSession } from './session.ts'
import type { TextPool } from './text-pool.ts'

/** DuckDB takes at most this many rows from a table function at a time. */
export const CHUNK_ROWS = 2048

/** A column of the feed. `constant` and `enum` columns have one value for a whole chunk. */
export type FeedColumn =
  | { readonly name: string; readonly type: 'double' | 'long' | 'instant' | 'boolean'; readonly optional?: true | undefined }
  | { readonly name: string; readonly type: 'text'; readonly pool: TextPool; readonly optional?: true | undefined }
  | { readonly name: string; readonly type: 'constant' }
  | { readonly name: string; readonly type: 'enum'; readonly values: readonly string[] }

/** One chunk to fill: typed arrays and constants by column index, and the number of valid rows. */
export type FeedChunk = {
  rows: number
  /** All values are doubles: longs and instants are converted when the chunk is complete, booleans are 0 and 1, texts are their codes. NaN is null. */
  readonly numbers: readonly (Float64Array | undefined)[]
  /** The text of a constant column. */
  readonly texts: string[]
  /** The index into `values` of an enum column. */
  readonly ordinals: number[]
}

/** How many chunks are made ahead while DuckDB works. It is low, so that they are still in the processor cache when DuckDB takes them. */
const AHEAD = 8

/** Slots of finished feeds, for the next feed with the same columns. Allocating them again costs more than filling them. */
const spare = new Map<string, Slot[]>()

let registered = 0

/** A registered feed: the SQL that reads it, and a function that ends it and throws what `fill` threw. */
export type Feed = { readonly sql: string; finish(): void }

/**
 * Registers a table function that gives DuckDB the chunks that `fill` writes. `fill` leaves `rows` at 0 after the last chunk.
 * Chunks are made ahead on the event loop while DuckDB works on its own thread. The feed can only be read once.
 */
export async function registerFeed(
  session: DuckDBSession,
  columns: readonly FeedColumn[],
  fill: (chunk: FeedChunk) => void,
): Promise<Feed> {
  const connection = await session.connected()
  const name = `feed_${registered++}`
  // The engine keeps a registered function until it closes, so the function must release its memory when the feed ends.
  let open: { readonly ring: ChunkRing; readonly writers: readonly ColumnWriter[] } | undefined
  const ring = new ChunkRing(columns, fill)
  open = { ring, writers: columns.map((column) => writerFor(column)) }
  const table = DuckDBTableFunction.create({
    name,
    bindFunction: (bind) => {
      for (const column of open === undefined ? [] : columns) bind.addResultColumn(column.name, duckType(column))
    },
    initFunction: () => {},
    mainFunction: (_info, output) => {
      if (open === undefined)
        throw new LakehouseError(
          'INTERNAL',
          'a feed was read twice, but it can only be read once: run again with --verbose and report this message',
        )
      const slot = open.ring.take()
      output.rowCount = slot.chunk.rows
      if (slot.chunk.rows > 0)
        for (const [index, write] of open.writers.entries()) write(duckdb.data_chunk_get_vector(output.chunk, index), slot, index)
      open.ring.release()
    },
  })
  connection.registerTableFunction(table)
  const finish = () => {
    open = undefined
    ring.finish()
  }
  return { sql: `SELECT * FROM ${name}()`, finish }
}

type Slot = { readonly chunk: FeedChunk; readonly integers: readonly (Int32Array | undefined)[] }

class ChunkRing {
  readonly #columns: readonly FeedColumn[]
  readonly #fill: (chunk: FeedChunk) => void
  readonly #kind: string
  readonly #slots: Slot[]
  #made = 0
  #taken = 0
  #ended = false
  #scheduled = false
  #failure: unknown

  constructor(columns: readonly FeedColumn[], fill: (chunk: FeedChunk) => void) {
    this.#columns = columns
    this.#fill = fill
    this.#kind = columns.map((column) => column.type).join()
    this.#slots = spare.get(this.#kind) ?? Array.from({ length: AHEAD }, () => newSlot(columns))
    spare.delete(this.#kind)
  }

  take(): Slot {
    if (this.#made === this.#taken) this.#make()
    return this.#slot(this.#taken)
  }

  release(): void {
    this.#taken++
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#ahead())
  }

  finish(): void {
    this.#ended = true
    spare.set(this.#kind, this.#slots)
    if (this.#failure !== undefined) throw this.#failure
  }

  #slot(n: number): Slot {
    return this.#slots[n % AHEAD] ?? newSlot(this.#columns)
  }

  #ahead(): void {
    this.#scheduled = false
    if (this.#ended || this.#made - this.#taken >= AHEAD) return
    this.#make()
    this.#scheduled = true
    setImmediate(() => this.#ahead())
  }

  #make(): void {
    const { chunk, integers } = this.#slot(this.#made)
    chunk.rows = 0
    try {
      if (!this.#ended) this.#fill(chunk)
    } catch (error) {
      this.#failure = error
      chunk.rows = 0
    }
    if (chunk.rows === 0) this.#ended = true
    for (const [index, target] of integers.entries()) {
      const source = chunk.numbers[index]
      if (target !== undefined && source !== undefined) splitIntegers(source, target, chunk.rows)
    }
    this.#made++
  }
}

function newSlot(columns: readonly FeedColumn[]): Slot {
  const integer = (column: FeedColumn) => column.type === 'long' || column.type === 'instant'
  return {
    chunk: {
      rows: 0,
      numbers: columns.map((column) => (column.type === 'constant' || column.type === 'enum' ? undefined : new Float64Array(CHUNK_ROWS))),
      texts: columns.map(() => ''),
      ordinals: columns.map(() => 0),
    },
    integers: columns.map((column) => (integer(column) ? new Int32Array(2 * CHUNK_ROWS) : undefined)),
  }
}

/** Converts integers in doubles to 64-bit little-endian pairs, without a BigInt per value. */
function splitIntegers(source: Float64Array, target: Int32Array, rows: number): void {
  for (let row = 0, at = 0; row < rows; row++) {
    const value = source[row] ?? 0
    const high = Math.floor(value / 4294967296)
    target[at++] = (value - high * 4294967296) | 0
    target[at++] = high
  }
}

type Vector = Parameters<typeof duckdb.copy_data_to_vector>[0]
type ColumnWriter = (vector: Vector, slot: Slot, index: number) => void

function writerFor(column: FeedColumn): ColumnWriter {
  const write = valueWriter(column)
  return 'optional' in column && column.optional === true ? withNulls(write) : write
}

/** Marks NaN as null. */
function withNulls(write: ColumnWriter): ColumnWriter {
  const bits = new Uint8Array(CHUNK_ROWS / 8)
  return (vector, slot, index) => {
    write(vector, slot, index)
    const values = slot.chunk.numbers[index]
    let nulls = 0
    bits.fill(0xff)
    for (let row = 0; row < slot.chunk.rows; row++) {
      if (!Number.isNaN(values?.[row])) continue
      nulls++
      bits[row >> 3] = (bits[row >> 3] as number) & ~(1 << (row & 7))
    }
    if (nulls === 0) return
    duckdb.vector_ensure_validity_writable(vector)
    duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer as ArrayBuffer, 0, bits.length)
  }
}

function valueWriter(column: FeedColumn): ColumnWriter {
  switch (column.type) {
    case 'double':
      return (vector, { chunk }, index) => copy(vector, chunk.numbers[index], chunk.rows * 8)
    case 'long':
    case 'instant':
      return (vector, { chunk, integers }, index) => copy(vector, integers[index], chunk.rows * 8)
    case 'constant':
      return constantWriter()
    case 'enum':
      return enumWriter(column.values.length)
    case 'boolean':
      return booleanWriter()
    case 'text':
      return textWriter(column.pool)
  }
}

function booleanWriter(): ColumnWriter {
  const bytes = new Uint8Array(CHUNK_ROWS)
  return (vector, { chunk }, index) => {
    const values = chunk.numbers[index]
    for (let row = 0; row < chunk.rows; row++) bytes[row] = values?.[row] === 1 ? 1 : 0
    copy(vector, bytes, chunk.rows)
  }
}

/** The header of each short text is made once. Longer texts are passed one by one. */
function textWriter(pool: TextPool): ColumnWriter {
  const headers = new Uint8Array(16 * CHUNK_ROWS)
  const known: (Uint8Array | undefined)[] = []
  const header = (code: number): Uint8Array | undefined => {
    if (code in known) return known[code]
    const bytes = Buffer.from(pool.texts[code] ?? '')
    const made = bytes.length > 12 ? undefined : Buffer.alloc(16)
    made?.writeUInt32LE(bytes.length, 0)
    if (made !== undefined) bytes.copy(made, 4)
    known[code] = made
    return made
  }
  return (vector, { chunk }, index) => {
    const codes = chunk.numbers[index]
    const long: number[] = []
    headers.fill(0, 0, chunk.rows * 16)
    for (let row = 0; row < chunk.rows; row++) {
      const code = codes?.[row] ?? Number.NaN
      if (Number.isNaN(code)) continue
      const made = header(code)
      if (made === undefined) long.push(row)
      else headers.set(made, row * 16)
    }
    copy(vector, headers, chunk.rows * 16)
    for (const row of long) duckdb.vector_assign_string_element(vector, row, pool.texts[codes?.[row] ?? -1] ?? '')
  }
}

function copy(vector: Vector, source: Float64Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | undefined, bytes: number): void {
  if (source !== undefined) duckdb.copy_data_to_vector(vector, 0, source.buffer as ArrayBuffer, source.byteOffset, bytes)
}

/** DuckDB's string header: length, then either 12 bytes of text, or 4 bytes of prefix and a pointer. The header is made once and repeated. */
function constantWriter(): ColumnWriter {
  const headers = new Uint8Array(16 * CHUNK_ROWS)
  let written: string | undefined
  return (vector, { chunk }, index) => {
    const text = chunk.texts[index] ?? ''
    const bytes = Buffer.from(text)
    if (bytes.length > 12) {
      duckdb.vector_assign_string_element(vector, 0, text)
      repeat(headers, duckdb.vector_get_data(vector, 16), chunk.rows)
      written = undefined
    } else if (written !== text) {
      const header = Buffer.alloc(16)
      header.writeUInt32LE(bytes.length, 0)
      bytes.copy(header, 4)
      repeat(headers, header, CHUNK_ROWS)
      written = text
    }
    copy(vector, headers, chunk.rows * 16)
  }
}

function repeat(target: Uint8Array, header: Uint8Array, rows: number): void {
  target.set(header.subarray(0, 16), 0)
  for (let filled = 16; filled < rows * 16; filled *= 2) target.copyWithin(filled, 0, Math.min(filled, rows * 16 - filled))
}

function enumWriter(values: number): ColumnWriter {
  const ordinals =
    values <= 0xff ? new Uint8Array(CHUNK_ROWS) : values <= 0xffff ? new Uint16Array(CHUNK_ROWS) : new Uint32Array(CHUNK_ROWS)
  return (vector, { chunk }, index) => {
    const ordinal = chunk.ordinals[index] ?? 0
    if (ordinals[0] !== ordinal || ordinals[CHUNK_ROWS - 1] !== ordinal) ordinals.fill(ordinal)
    copy(vector, ordinals, chunk.rows * ordinals.BYTES_PER_ELEMENT)
  }
}

function duckType(column: FeedColumn): DuckDBType {
  switch (column.type) {
    case 'double':
      return DOUBLE
    case 'long':
      return BIGINT
    case 'instant':
      return TIMESTAMPTZ
    case 'boolean':
      return BOOLEAN
    case 'constant':
    case 'text':
      return VARCHAR
    case 'enum':
      return ENUM(column.values)
  }
}
