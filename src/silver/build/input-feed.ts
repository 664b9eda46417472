import { createHash } from 'node:crypto'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { LakehouseError, systemCode } from '../../core/errors.ts'
import type { TimeRange } from '../../core/time.ts'
import { CHUNK_ROWS, type FeedChunk, type FeedColumn } from '../../platform/duckdb/feed.ts'
import { TextPool } from '../../platform/duckdb/text-pool.ts'
import { type CsvColumn, storedAs } from '../../sources/csv/csv-column.ts'
import { CsvDecoder } from '../../sources/csv/csv-decoder.ts'
import type { DecodeOptions } from '../../sources/csv/decode-options.ts'
import type { FileEvidence, RejectedRow } from '../../sources/csv/file-evidence.ts'
import { type FileBytes, ZipReader } from '../../sources/csv/zip-entry.ts'
import { contractOf, formatOf, type Series, valueColumns } from '../../sources/series.ts'
import type { BuildInput } from './inputs.ts'

/** The possible origins of a row. */
const SOURCES = ['archive', 'api', 'stream', 'derived', 'synthetic'] as const

export type FeedTask = {
  readonly series: Series
  readonly inputs: readonly (BuildInput & { readonly path: string })[]
  readonly rejects: string
  readonly maxEntryBytes: number
}

export type DecodedInput = { readonly key: string; readonly sha256: string; readonly entry: string; readonly evidence: FileEvidence }

/** Wraps the error that makes an input undecodable (its `cause`). */
export class InputRefused extends Error {
  readonly input: BuildInput

  constructor(input: BuildInput, cause: unknown) {
    super(`cannot decode ${input.key}`, { cause })
    this.input = input
  }
}

/** The columns of the feed: the silver columns of the series, in order. `texts` collects the texts of text columns, by CSV column. */
function feedColumns(task: FeedTask, texts: readonly (TextPool | undefined)[]): FeedColumn[] {
  const published = formatOf(task.series).columns.flatMap(({ name, type, optional }, index): FeedColumn[] => {
    const pool = texts[index]
    if (name === undefined) return []
    if (pool !== undefined) return [{ name, type: 'text', pool, optional }]
    const stored = storedAs(type)
    return stored === 'string' ? [] : [{ name, type: stored, optional }]
  })
  return [
    { name: 'symbol', type: 'constant' },
    ...published,
    { name: 'source', type: 'enum', values: SOURCES },
    { name: 'source_object', type: 'enum', values: [...new Set(task.inputs.map((input) => input.key))] },
  ]
}

type FeedRange = TimeRange & Pick<DecodeOptions, 'partitionStart'>

/** At most this many inputs are open at once, to limit memory and files. Further inputs are read once for each feed. */
const MOST_SHARED = 256

/** Inputs that stay open from one feed to the next. Each feed takes the rows of its range, so that a file with many partitions is read once. */
export class SharedInputs {
  readonly texts: readonly (TextPool | undefined)[]
  readonly #keys: ReadonlySet<string>
  readonly #open = new Map<string, OpenInput>()

  /** The inputs that several tasks share. */
  constructor(tasks: readonly FeedTask[]) {
    const seen = new Set<string>()
    const twice = new Set<string>()
    for (const { inputs } of tasks) for (const { key } of inputs) (seen.has(key) ? twice : seen).add(key)
    this.#keys = new Set([...twice].slice(0, MOST_SHARED))
    this.texts = textPools(tasks[0]?.series)
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  get(key: string): OpenInput | undefined {
    return this.#open.get(key)
  }

  keep(open: OpenInput): void {
    this.#open.set(open.input.key, open)
  }

  /** Reads the inputs to their ends. Returns the evidence about each whole input, by key. Throws InputRefused. */
  finish(): Map<string, FileEvidence> {
    const found = new Map<string, FileEvidence>()
    for (const { input, decoder } of this.#open.values()) {
      decoder.moveTo(undefined)
      refusing(input, () =>
        decoder.decode(
          [...this.texts.keys()].map(() => new Float64Array(1)),
          1,
        ),
      )
      found.set(input.key, decoder.finish())
    }
    return found
  }

  close(): void {
    for (const { file, rejects } of this.#open.values()) {
      file.close()
      rejects.close()
    }
    this.#open.clear()
  }
}

function textPools(series: Series | undefined): readonly (TextPool | undefined)[] {
  const columns = series === undefined ? [] : formatOf(series).columns
  return columns.map(({ name, type }) => (name !== undefined && type === 'string' ? new TextPool() : undefined))
}

/** Returns the rows of one input after the other, and collects evidence about them. Besides the shared inputs, one file is in memory at a time. */
export class InputFeed {
  readonly decoded: DecodedInput[] = []
  readonly columns: readonly FeedColumn[]
  /** Whether the key of every row was greater than the one before, over all inputs. */
  ascending = true
  csvBytes = 0
  readonly #task: FeedTask
  readonly #range: FeedRange
  readonly #shared: SharedInputs | undefined
  readonly #columns: readonly CsvColumn[]
  readonly #eventTime: number
  readonly #zips: ZipReader
  #next = 0
  #open: OpenInput | undefined
  readonly #texts: readonly (TextPool | undefined)[]
  readonly #key: readonly number[] | undefined
  readonly #nonNegative: readonly boolean[]
  #symbol = ''
  #lastKey: readonly number[] = []

  constructor(zips: ZipReader, task: FeedTask, range: FeedRange, shared?: SharedInputs) {
    this.#shared = shared
    this.#zips = zips
    this.#task = task
    this.#range = range
    this.#columns = formatOf(task.series).columns
    const { eventTime, key } = contractOf(task.series)
    const measured = new Set(
      valueColumns(task.series).flatMap(({ name, measure, roles }) =>
        measure !== undefined || roles.includes('trade_count') ? [name] : [],
      ),
    )
    this.#nonNegative = this.#columns.map(({ name }) => name !== undefined && measured.has(name))
    const indexOf = (name: string) => this.#columns.findIndex((column) => column.name === name)
    this.#eventTime = indexOf(eventTime)
    const keyed = key.slice(1).map(indexOf)
    this.#key = keyed.some((index) => this.#columns[index]?.type === 'string') ? undefined : keyed
    this.#texts = shared?.texts ?? textPools(task.series)
    this.columns = feedColumns(task, this.#texts)
  }

  /** Fills a chunk with rows of one input. The chunk stays empty when no rows are left. Throws InputRefused. */
  fill(chunk: FeedChunk): void {
    for (;;) {
      const open = this.#open ?? this.#openNext()
      if (open === undefined) return
      const rows = this.#refusing(open.input, () => open.decoder.decode(this.#targets(chunk), CHUNK_ROWS))
      if (rows === 0) {
        this.#close(open)
        continue
      }
      chunk.rows = rows
      chunk.texts[0] = open.input.symbol
      chunk.ordinals[chunk.ordinals.length - 1] = open.ordinal
      return
    }
  }

  /** The arrays of the feed in the order of the CSV columns. The feed has the symbol first, and skips columns without a name. */
  #targets(chunk: FeedChunk): (Float64Array | undefined)[] {
    let index = 1
    return this.#columns.map((column) => (column.name === undefined ? undefined : chunk.numbers[index++]))
  }

  #openNext(): OpenInput | undefined {
    const input = this.#task.inputs[this.#next]
    if (input === undefined) return undefined
    const ordinal = this.#next++
    const kept = this.#shared?.get(input.key)
    if (kept === undefined) this.#open = this.#refusing(input, () => this.#openInput(input, ordinal))
    else {
      kept.decoder.moveTo(this.#range)
      this.#open = { ...kept, ordinal }
    }
    return this.#open
  }

  #openInput(input: BuildInput & { readonly path: string }, ordinal: number): OpenInput {
    const isShared = this.#shared?.has(input.key) === true
    const zips = isShared ? new ZipReader({ inPieces: true }) : this.#zips
    const file = openFile(zips, input)
    try {
      checkDigest(file, input)
      const rejects = new RejectFile(this.#task.rejects, input)
      const entry = zips.openEntry(file, input.key, this.#task.maxEntryBytes)
      this.csvBytes += entry.size
      const options = {
        columns: this.#columns,
        eventTime: this.#eventTime,
        key: this.#key,
        texts: this.#texts,
        nonNegative: this.#nonNegative,
        symbol: input.symbol,
        range: this.#range,
        stopsAtEnd: isShared,
        partitionStart: this.#range.partitionStart,
        onReject: (row: RejectedRow) => rejects.add(row),
        corrections: new Map(input.corrections),
      }
      const decoder = new CsvDecoder({ label: input.key, next: () => entry.next() }, options)
      const open = { input, ordinal, file, decoder, rejects, entry: entry.name }
      if (isShared) this.#shared?.keep(open)
      return open
    } catch (error) {
      file.close()
      throw error
    }
  }

  #close({ input, file, decoder, rejects, entry }: OpenInput): void {
    this.#open = undefined
    const isShared = this.#shared?.has(input.key) === true
    if (!isShared) {
      file.close()
      rejects.close()
    }
    // The rest of a shared input was not read yet.
    const evidence = isShared ? { ...decoder.finish() } : decoder.finish()
    this.decoded.push({ key: input.key, sha256: input.sha256, entry, evidence })
    if (input.symbol !== this.#symbol) {
      this.#symbol = input.symbol
      this.#lastKey = []
    }
    if (evidence.rows === 0) return
    if (!evidence.ascending || !isAfter(evidence.firstKey, this.#lastKey)) this.ascending = false
    this.#lastKey = evidence.lastKey
  }

  #refusing<T>(input: BuildInput, work: () => T): T {
    try {
      return refusing(input, work)
    } catch (error) {
      if (this.#open !== undefined && this.#shared?.has(input.key) !== true) {
        this.#open.file.close()
        this.#open.rejects.close()
      }
      throw error
    }
  }
}

function openFile(zips: ZipReader, input: BuildInput & { readonly path: string }): FileBytes {
  try {
    return zips.openFile(input.path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    throw new LakehouseError('OBJECT_NOT_FOUND', `${input.key} is missing in bronze: run \`ingest\` to fetch it again`, {
      details: { key: input.key },
      cause: error,
    })
  }
}

function refusing<T>(input: BuildInput, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof LakehouseError && REFUSING.has(error.code)) throw new InputRefused(input, error)
    throw error
  }
}

const REFUSING: ReadonlySet<string> = new Set(['ZIP_INVALID', 'ZIP_REFUSED', 'CSV_HEADER_INVALID', 'CHECKSUM_MISMATCH', 'OBJECT_NOT_FOUND'])

type OpenInput = {
  readonly input: BuildInput
  readonly ordinal: number
  readonly file: FileBytes
  readonly decoder: CsvDecoder
  readonly rejects: RejectFile
  /** The name of the entry in the zip. */
  readonly entry: string
}

/** Checks that the bytes in bronze still have the digest in the ledger, because disks may corrupt files. */
function checkDigest(file: FileBytes, input: BuildInput): void {
  const hash = createHash('sha256')
  for (let at = 0; at < file.size; at += 1 << 20) hash.update(file.read(at, Math.min(at + (1 << 20), file.size)))
  const sha256 = hash.digest('hex')
  if (sha256 !== input.sha256)
    throw new LakehouseError(
      'CHECKSUM_MISMATCH',
      `${input.key} changed in bronze: its SHA-256 is ${sha256} instead of ${input.sha256}; run \`ingest\` to fetch it again`,
      {
        details: { key: input.key },
      },
    )
}

/** The lines of one object that could not be decoded, in a file named by the digest of the object. Without such lines the file does not exist. Reading the object again starts a new file. */
class RejectFile {
  readonly #path: string
  readonly #key: string
  #file: number | undefined

  constructor(folder: string, input: BuildInput) {
    this.#path = join(folder, `${input.sha256}.ndjson`)
    this.#key = input.key
    rmSync(this.#path, { force: true })
  }

  add(row: RejectedRow): void {
    this.#file ??= openSync(this.#path, 'w')
    writeSync(this.#file, `${JSON.stringify({ object: this.#key, ...row })}\n`)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }
}

/** Whether a key is greater than another, column by column. Any key is greater than an empty one. */
function isAfter(key: readonly number[], other: readonly number[]): boolean {
  const at = key.findIndex((value, index) => value !== other[index])
  return other.length === 0 || (at >= 0 && (key[at] ?? 0) > (other[at] ?? 0))
}
