import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DATASETS, type Series, silverColumns } from '../core/datasets/registry.ts'
import { asLakehouseError, type ErrorCode } from '../core/errors.ts'
import { type WrittenFile, writeDataFile } from '../lake/data-file.ts'
import { fieldsOf, partitionRange, partitionValue } from '../lake/iceberg/schema.ts'
import { registerFeed } from '../platform/duckdb/feed.ts'
import { DuckDBSession, quoteName } from '../platform/duckdb/session.ts'
import { type Duplicates, findDuplicates, NO_DUPLICATES } from './duplicates.ts'
import { type DecodedInput, feedColumns, InputFeed, InputRefused } from './input-feed.ts'
import { type BuildInput, transformOf } from './inputs.ts'

/** Everything a worker needs to make one data file. Paths are local. */
export type BuildTask = {
  readonly table: string
  readonly series: Series
  readonly partition: number
  readonly inputs: readonly (BuildInput & { readonly path: string })[]
  /** The Parquet file to write. */
  readonly output: string
  /** Folder for lines that cannot be typed: <sha256>.ndjson each. */
  readonly rejects: string
  readonly temporaryDirectory: string
  readonly memoryLimitMb: number
  readonly maxEntryBytes: number
}

/** An input whose bytes are not to be decoded; the file is made without it. */
export type Refusal = { readonly key: string; readonly sha256: string; readonly code: ErrorCode; readonly message: string }

export type BuildOutcome = {
  /** Undefined when no row is left. */
  readonly file: WrittenFile | undefined
  readonly decoded: readonly DecodedInput[]
  readonly refused: readonly Refusal[]
  readonly duplicates: Duplicates
  /** The order of the inputs was proved, so that nothing had to be sorted. */
  readonly ordered: boolean
  readonly csvBytes: number
}

/** Decodes the inputs into one sorted Parquet file without duplicate keys. An input that cannot be read is left out and reported. */
export async function buildFile(task: BuildTask): Promise<BuildOutcome> {
  const refused: Refusal[] = []
  for (;;) {
    const inputs = task.inputs.filter((input) => !refused.some((refusal) => refusal.key === input.key))
    try {
      return { ...(await buildFrom({ ...task, inputs })), refused }
    } catch (error) {
      if (!(error instanceof InputRefused)) throw error
      const { code, message } = asLakehouseError(error.cause)
      refused.push({ key: error.input.key, sha256: error.input.sha256, code, message })
    }
  }
}

async function buildFrom(task: BuildTask): Promise<Omit<BuildOutcome, 'refused'>> {
  if (task.inputs.length === 0) return { file: undefined, decoded: [], duplicates: NO_DUPLICATES, ordered: true, csvBytes: 0 }
  const spill = join(task.temporaryDirectory, `.spill-${process.pid}-${Math.random().toString(36).slice(2)}`)
  const session = await DuckDBSession.open({ threads: 1, memoryLimitMb: task.memoryLimitMb, temporaryDirectory: spill })
  try {
    const plain = await copyOrdered(session, task)
    return plain.ordered ? plain : await copySorted(session, task)
  } finally {
    session.close()
    rmSync(spill, { recursive: true, force: true })
  }
}

/** The fast way: rows are written as they are decoded, and the decoders prove that their keys ascend. */
async function copyOrdered(session: DuckDBSession, task: BuildTask): Promise<Omit<BuildOutcome, 'refused'>> {
  const feed = new InputFeed(task, rangeOf(task))
  const check = registerFeed(session.connection, 'ordered_feed', feedColumns(task), (chunk) => feed.fill(chunk))
  const file = await write(session, `SELECT * FROM ordered_feed()`, task, check)
  return outcome(feed, file, NO_DUPLICATES, feed.ascending)
}

/** The sure way: rows are gathered (spilling to disk beyond the memory limit), the first of each key is kept, and the rest sorted. */
async function copySorted(session: DuckDBSession, task: BuildTask): Promise<Omit<BuildOutcome, 'refused'>> {
  const feed = new InputFeed(task, rangeOf(task))
  const check = registerFeed(session.connection, 'sorted_feed', feedColumns(task), (chunk) => feed.fill(chunk))
  await session.run('CREATE TEMP TABLE staged AS SELECT * FROM sorted_feed()')
  check()
  const { key } = DATASETS[task.series.dataset]
  const duplicates = await findDuplicates(session, key)
  const keys = key.map(quoteName).join(', ')
  const kept = duplicates.dropped === 0 ? 'true' : `rowid IN (SELECT min(rowid) FROM staged GROUP BY ${keys})`
  const file = await write(session, `SELECT * FROM staged WHERE ${kept} ORDER BY ${keys}`, task, () => {})
  return outcome(feed, file, duplicates, false)
}

function outcome(feed: InputFeed, file: WrittenFile, duplicates: Duplicates, ordered: boolean): Omit<BuildOutcome, 'refused'> {
  return { file: file.rows === 0 ? undefined : file, decoded: feed.decoded, duplicates, ordered, csvBytes: feed.csvBytes }
}

async function write(session: DuckDBSession, query: string, task: BuildTask, check: () => void): Promise<WrittenFile> {
  mkdirSync(task.rejects, { recursive: true })
  const fields = fieldsOf(silverColumns(task.series))
  const file = await writeDataFile(session, query, fields, task.output, DATASETS[task.series.dataset].parquet)
  check()
  return file
}

function rangeOf(task: BuildTask) {
  const unit = transformOf(task.series)
  return {
    ...partitionRange(unit, task.partition),
    partitionStart: (time: number) => partitionRange(unit, partitionValue(unit, time)).start,
  }
}
