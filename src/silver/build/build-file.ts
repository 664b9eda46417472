import { asLakehouseError } from '../../core/errors.ts'
import { fieldsOf, periodRange } from '../../lake/iceberg/schema.ts'
import { periodOf } from '../../lake/iceberg/transform.ts'
import { type WrittenFile, writeDataFile } from '../../lake/tables/data-file.ts'
import { registerFeed } from '../../platform/duckdb/feed.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quoteName } from '../../platform/duckdb/session.ts'
import type { FileEvidence } from '../../sources/csv/file-evidence.ts'
import type { ZipReader } from '../../sources/csv/zip-entry.ts'
import { contractOf, type Series, silverColumns } from '../../sources/series.ts'
import { type Duplicates, findDuplicates, NO_DUPLICATES } from './duplicates.ts'
import { type DecodedInput, InputFeed, InputRefused, SharedInputs } from './input-feed.ts'
import { type BuildInput, type Refusal, transformOf } from './inputs.ts'

/** Everything a worker needs to make one data file. Paths are local. */
export type BuildTask = {
  readonly table: string
  readonly series: Series
  readonly partition: number
  readonly inputs: readonly (BuildInput & { readonly path: string })[]
  /** The Parquet file to write. */
  readonly output: string
  /** Folder for lines that cannot be decoded, one file per object: <sha256>.ndjson. */
  readonly rejects: string
  readonly maxEntryBytes: number
}

export type BuildOutcome = {
  /** Undefined when the file would have no rows. */
  readonly file: WrittenFile | undefined
  readonly decoded: readonly DecodedInput[]
  readonly refused: readonly Refusal[]
  readonly duplicates: Duplicates
  /** Whether the inputs were proved to be in order, so that sorting was not necessary. */
  readonly ordered: boolean
  readonly csvBytes: number
}

/** What a thread keeps between tasks: an engine with one thread, which keeps rows in order, and the memory for reading zips. */
export type BuildTools = { readonly session: DuckDBSession; readonly zips: ZipReader }

/**
 * Decodes the inputs of each task into one sorted Parquet file without duplicate keys. Tasks are in ascending order of partitions. An input of several tasks is read
 * once, if its rows are in that order. An input that cannot be read is skipped and reported.
 */
export async function buildFiles(tools: BuildTools, tasks: readonly BuildTask[]): Promise<BuildOutcome[]> {
  const refused: Refusal[] = []
  for (;;) {
    const isRefused = (input: BuildInput) => refused.some((refusal) => refusal.key === input.key)
    const left = tasks.map((task) => ({ ...task, inputs: task.inputs.filter((input) => !isRefused(input)) }))
    try {
      const built = await buildTogether(tools, left)
      return built.map((outcome, index) => ({
        ...outcome,
        refused: refused.filter(({ key }) => tasks[index]?.inputs.some((input) => input.key === key)),
      }))
    } catch (error) {
      if (!(error instanceof InputRefused)) throw error
      const { code, message, details } = asLakehouseError(error.cause)
      const bound = typeof details['bound'] === 'number' ? details['bound'] : null
      const lost = code === 'CHECKSUM_MISMATCH' || code === 'OBJECT_NOT_FOUND'
      refused.push({ key: error.input.key, sha256: error.input.sha256, code, message, bound, lost })
    }
  }
}

type Built = Omit<BuildOutcome, 'refused'>

async function buildTogether(tools: BuildTools, tasks: readonly BuildTask[]): Promise<Built[]> {
  const shared = new SharedInputs(tasks)
  const built: Built[] = []
  let wholes: Map<string, FileEvidence>
  try {
    for (const task of tasks) built.push(await buildFrom(tools, task, shared))
    wholes = shared.finish()
  } finally {
    shared.close()
  }
  const starts = tasks.map((task) => rangeOf(task).start)
  // A row of one task came after its partition was finished, so each task must read the inputs itself.
  const isTorn = [...wholes.values()].some(({ elsewhere }) => starts.some((start) => elsewhere.has(start)))
  const outcomes: Built[] = []
  for (const [index, task] of tasks.entries()) {
    const one = built[index]
    const isShared = task.inputs.some(({ key }) => shared.has(key))
    if (one === undefined || (isShared && isTorn)) outcomes.push(await buildFrom(tools, task))
    else if (isShared && !one.ordered) outcomes.push(await copySorted(tools, task))
    else outcomes.push(one)
  }
  return isTorn ? outcomes : withWholes(outcomes, wholes, starts)
}

/** The outcomes. Inputs that were read once for all tasks are reported as if each task had read them alone. */
function withWholes(outcomes: readonly Built[], wholes: ReadonlyMap<string, FileEvidence>, starts: readonly number[]): Built[] {
  const rows = new Map<string, Map<number, number>>()
  for (const [index, { decoded }] of outcomes.entries())
    for (const { key, evidence } of decoded)
      if (evidence.rows > 0) rows.set(key, (rows.get(key) ?? new Map<number, number>()).set(starts[index] ?? 0, evidence.rows))
  const whole = ({ key, evidence, ...input }: DecodedInput, start: number): DecodedInput => {
    const all = wholes.get(key)
    if (all === undefined) return { key, evidence, ...input }
    const { rows: own, first, last, ascending, firstKey, lastKey } = evidence
    const elsewhere = new Map([...all.elsewhere, ...(rows.get(key) ?? [])])
    elsewhere.delete(start)
    return { key, ...input, evidence: { ...all, rows: own, first, last, ascending, firstKey, lastKey, elsewhere } }
  }
  return outcomes.map((one, index) => ({ ...one, decoded: one.decoded.map((input) => whole(input, starts[index] ?? 0)) }))
}

async function buildFrom(tools: BuildTools, task: BuildTask, shared?: SharedInputs): Promise<Built> {
  if (task.inputs.length === 0) return { file: undefined, decoded: [], duplicates: NO_DUPLICATES, ordered: true, csvBytes: 0 }
  const plain = await copyOrdered(tools, task, shared)
  // A shared input is read only once, so tasks that share it are repeated alone.
  if (plain.ordered || task.inputs.some(({ key }) => shared?.has(key))) return plain
  return await copySorted(tools, task)
}

/** The fast way: rows are written as they are decoded, and the decoders check that the keys ascend. */
async function copyOrdered({ session, zips }: BuildTools, task: BuildTask, shared: SharedInputs | undefined): Promise<Built> {
  const rows = new InputFeed(zips, task, rangeOf(task), shared)
  const feed = await registerFeed(session, rows.columns, (chunk) => rows.fill(chunk))
  const file = await write(session, feed.sql, task).finally(() => feed.finish())
  return outcome(rows, file, NO_DUPLICATES, rows.ascending)
}

/** The safe way: rows are collected (on disk beyond the memory limit), the first row of each key is kept, and the rows are sorted. */
async function copySorted({ session, zips }: BuildTools, task: BuildTask): Promise<Built> {
  const rows = new InputFeed(zips, task, rangeOf(task))
  const feed = await registerFeed(session, rows.columns, (chunk) => rows.fill(chunk))
  const names = silverColumns(task.series).map(({ name }) => name)
  await using staged = await Relation.of(session, names, feed.sql).finally(() => feed.finish())
  const { key, eventTime } = contractOf(task.series)
  const duplicates = await findDuplicates(session, staged, key, eventTime)
  const keys = key.map(quoteName).join(', ')
  const kept = duplicates.dropped === 0 ? 'true' : `rowid IN (SELECT min(rowid) FROM ${staged} GROUP BY ${keys})`
  return outcome(rows, await write(session, `SELECT * FROM ${staged} WHERE ${kept} ORDER BY ${keys}`, task), duplicates, false)
}

function outcome(feed: InputFeed, file: WrittenFile, duplicates: Duplicates, ordered: boolean): Built {
  return { file: file.rows === 0 ? undefined : file, decoded: feed.decoded, duplicates, ordered, csvBytes: feed.csvBytes }
}

function write(session: DuckDBSession, query: string, task: BuildTask): Promise<WrittenFile> {
  return writeDataFile(session, query, fieldsOf(silverColumns(task.series)), task.output, contractOf(task.series).parquet)
}

function rangeOf(task: BuildTask) {
  const unit = transformOf(task.series)
  return {
    ...periodRange(unit, task.partition),
    partitionStart: (time: number) => periodRange(unit, periodOf(unit, time)).start,
  }
}
