import { createReadStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import { formatMonth } from '../../core/time.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { dataFileKey, fileNameOf } from '../../lake/iceberg/partition-folder.ts'
import { byPeriod, fieldsOf, periodRange, type TableShape } from '../../lake/iceberg/schema.ts'
import { keyOf, type Table, urlOf } from '../../lake/iceberg/table.ts'
import type { PeriodTransform } from '../../lake/iceberg/transform.ts'
import type { Lake } from '../../lake/lake.ts'
import { bronzeKey, quarantinedObjectKey, quarantinedRowsKey, tableKey } from '../../lake/layout.ts'
import { CommitQueue, filesByPartition, type PartitionChange } from '../../lake/tables/commit-queue.ts'
import { lostFiles, putBack } from '../../lake/tables/lost-files.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import { contractOf, formatOf, type Series, silverColumns, silverTableName } from '../../sources/series.ts'
import { makeScratch } from '../../storage/scratch.ts'
import { isFilled } from '../gaps/filled.ts'
import type { BuildOutcome, BuildTask } from './build-file.ts'
import type { BuildPool } from './build-pool.ts'
import {
  type BuildInput,
  type DecodeLimits,
  fingerprint,
  groupInputs,
  type PartitionInputs,
  partitionInputs,
  refusedObjects,
  transformOf,
} from './inputs.ts'
import type { SilverTally } from './tally.ts'

export type BuildOptions = {
  readonly pool: BuildPool
  readonly limits: DecodeLimits
  /** A branch that gets the changes instead of the table that readers see. */
  readonly branch?: string | undefined
  /** Called after each data file. */
  readonly onFile: (file: { table: string; rows: number; csvBytes: number }) => void
}

export type SilverOutcome = { readonly partitionsWritten: number; readonly partitionsUnchanged: number }

/** A partition is planned again when another run changed it meanwhile, or when its files have rows of other partitions. */
const ROUNDS = 8

/** The shape of the silver table of a series. */
function silverShape(series: Series): TableShape {
  const { eventTime, key } = contractOf(series)
  return { fields: fieldsOf(silverColumns(series)), partition: byPeriod(eventTime, transformOf(series)), sort: key }
}

/** Brings the silver table of a series up to date with bronze: builds missing data files, and replaces files whose inputs changed. */
export async function buildSilverTable(lake: Lake, series: Series, options: BuildOptions, tally: SilverTally): Promise<SilverOutcome> {
  const { limits, pool, branch } = options
  const table = silverTableName(series)
  const written = new Set<number>()
  let partitionsUnchanged = 0
  const queue = new CommitQueue({
    store: lake.store,
    root: tableKey('silver', table),
    shape: silverShape(series),
    deps: lake.commits,
    run: lake.run,
    before: () => lake.ledger.flush(),
    branch,
  })
  for (let round = 1; ; round++) {
    await lake.ledger.flush()
    // The live files are read first. Inputs that arrive later then cause another build; the reverse order could miss them.
    const current = await lake.findTable('silver', table)
    if (current !== undefined) requireCut(current, silverShape(series))
    const live = await filesByPartition(current, branch)
    await using fold = await lake.readLedger()
    if (round === 1) for (const refusal of await refusedObjects(lake.session, fold, series, limits)) tally.addRefused(refusal)
    const lost = await lostFiles(lake.store, tableKey('silver', table), [...live.values()].flat())
    const builder = new PartitionBuilder(lake, series, options, { live, lost }, tally)
    const inputs = withoutInputs(partitionInputs(lake.session, fold, series, limits), live)
    const batches = inBatches(inputs, transformOf(series))
    const work = mapConcurrent(batches, { limit: pool.size + 1, signal: lake.signal }, (batch) => builder.build(batch, queue))
    let again = false
    for await (const outcomes of work) {
      for (const outcome of outcomes) {
        again ||= outcome.again
        if (outcome.change === 'written') written.add(outcome.partition)
        else if (round === 1 && outcome.change === 'unchanged') partitionsUnchanged++
      }
    }
    if (!again) return { partitionsWritten: written.size, partitionsUnchanged }
    if (round === ROUNDS)
      throw new LakehouseError('COMMIT_CONFLICT', `other runs changed silver.${table} ${ROUNDS} times while it was built: run again`, {
        details: { table: `silver.${table}` },
      })
  }
}

/** Refuses a table that another version or program has partitioned differently. */
function requireCut({ root, shape }: Table, wanted: TableShape): void {
  const cut = ({ partition }: TableShape) => partition.map(({ name }) => name).join(', ')
  if (cut(shape) === cut(wanted)) return
  throw new LakehouseError(
    'TABLE_PARTITION_CHANGED',
    `${root} is partitioned by ${cut(shape)}, but this version partitions it by ${cut(wanted)}: remove the folder ${root} and run \`ingest\` again; bronze has all data`,
    { details: { table: root } },
  )
}

/** The partitions with inputs, then the live partitions that no longer have inputs. */
async function* withoutInputs(
  partitions: AsyncIterable<PartitionInputs>,
  live: ReadonlyMap<number | undefined, unknown>,
): AsyncGenerator<PartitionInputs> {
  const left = new Set(live.keys())
  for await (const one of partitions) {
    left.delete(one.partition)
    yield one
  }
  for (const partition of left) if (partition !== undefined) yield { partition, inputs: [] }
}

/** Batches of partitions. In a table partitioned by days, days of one month that share monthly files are together, so that each file is read once. Else one at a time. */
async function* inBatches(partitions: AsyncIterable<PartitionInputs>, unit: PeriodTransform): AsyncGenerator<PartitionInputs[]> {
  let batch: PartitionInputs[] = []
  let shared = new Set<string>()
  const monthOf = ({ partition }: PartitionInputs) => formatMonth(periodRange(unit, partition).start)
  for await (const one of partitions) {
    const keys = unit === 'day' ? one.inputs.map(({ key }) => key).filter((key) => parseObjectKey(key).period === 'monthly') : []
    const [first] = batch
    if (first !== undefined && !(keys.some((key) => shared.has(key)) && monthOf(first) === monthOf(one))) {
      yield batch
      batch = []
    }
    batch.push(one)
    shared = new Set(keys)
  }
  if (batch.length > 0) yield batch
}

type PartitionOutcome = {
  readonly partition: number
  /** empty: the partition has no rows now and had none before. */
  readonly change: 'written' | 'unchanged' | 'empty'
  readonly again: boolean
}

/** The missing files of a partition, as groups of inputs by number, and the files that it should not have. */
type PartitionPlan = {
  readonly partition: number
  readonly live: ReadonlySet<string>
  readonly missing: ReadonlyMap<number, readonly BuildInput[]>
  readonly stale: readonly string[]
}

type PartitionGroup = { readonly partition: number; readonly group: readonly BuildInput[] }

type BuiltGroup = PartitionGroup & { readonly outcome: BuildOutcome; readonly temporary: string }

class PartitionBuilder {
  readonly #lake: Lake
  readonly #series: Series
  readonly #options: BuildOptions
  readonly #table: string
  readonly #live: ReadonlyMap<number | undefined, readonly DataFile[]>
  readonly #lost: ReadonlySet<string>
  readonly #tally: SilverTally

  constructor(
    lake: Lake,
    series: Series,
    options: BuildOptions,
    files: { readonly live: ReadonlyMap<number | undefined, readonly DataFile[]>; readonly lost: ReadonlySet<string> },
    tally: SilverTally,
  ) {
    this.#lake = lake
    this.#series = series
    this.#options = options
    this.#table = silverTableName(series)
    this.#live = files.live
    this.#lost = files.lost
    this.#tally = tally
  }

  /** Compares the files that the inputs of some partitions require with the live files, builds missing files and submits the changes. */
  async build(batch: readonly PartitionInputs[], queue: CommitQueue): Promise<PartitionOutcome[]> {
    const plans = batch.map((one) => this.#plan(one))
    const wanted = plans.flatMap(({ partition, missing }) => [...missing].map(([number, group]) => ({ partition, number, group })))
    const built: BuiltGroup[] = []
    try {
      const together = Map.groupBy(wanted, ({ number }) => number).values()
      for await (const groups of mapConcurrent(together, { limit: this.#options.pool.size, signal: this.#lake.signal }, (some) =>
        this.#buildGroups(some),
      ))
        built.push(...groups)
      // The changes are submitted together, so that they need few commits.
      const belongs = (plan: PartitionPlan) => built.filter(({ partition }) => partition === plan.partition)
      return await Promise.all(plans.map((plan) => this.#submit(plan, belongs(plan), queue)))
    } finally {
      for (const { temporary } of built) await rm(temporary, { force: true })
    }
  }

  #plan({ partition, inputs }: PartitionInputs): PartitionPlan {
    const live = new Set((this.#live.get(partition) ?? []).map(({ path }) => path))
    const there = new Set([...live].filter((path) => !this.#lost.has(path)).map(fileNameOf))
    const groups = groupInputs(this.#series, inputs)
    const names = new Set([...groups.values()].map((group) => this.#fileName(partition, group)))
    const missing = new Map([...groups].filter(([, group]) => !there.has(this.#fileName(partition, group))))
    // Filled rows that are lost are removed from the table, and made again.
    const stale = [...live].filter((path) => (isFilled({ path }) ? this.#lost.has(path) : !names.has(fileNameOf(path))))
    return { partition, live, missing, stale }
  }

  async #submit(
    { partition, live, missing, stale }: PartitionPlan,
    built: readonly BuiltGroup[],
    queue: CommitQueue,
  ): Promise<PartitionOutcome> {
    if (missing.size === 0 && stale.length === 0) return { partition, change: 'unchanged', again: false }
    // Without an object that bronze has lost, the partition would lose rows that it has.
    const isShort = live.size > 0 && built.some(({ outcome }) => outcome.refused.some(({ lost }) => lost))
    const add: PartitionChange['add'][number][] = []
    const remade = new Set<string>()
    let again = false
    let restored = 0
    for (const { group, outcome, temporary } of built) {
      again = (await this.#record(partition, group, outcome)) || again
      if (isShort) {
        for (const refusal of outcome.refused) this.#tally.addRefused(refusal)
        continue
      }
      const url = this.#url(partition, used(group, outcome))
      this.#tally.add(url, outcome, stale)
      if (outcome.file === undefined) continue
      const file = { ...outcome.file, path: url, specId: 0, partition: [partition] }
      if (await putBack(this.#lake.store, this.#lost, this.#live.get(partition) ?? [], file, temporary)) restored++
      else {
        add.push({ temporary, file })
        remade.add(fileNameOf(url))
      }
    }
    if (isShort) return { partition, change: 'unchanged', again: false }
    // Filled rows stay while the other files of the partition stay. Otherwise they are removed too, and made again.
    const gone = [...live].filter((path) => isFilled({ path }) || remade.has(fileNameOf(path)))
    const remove = new Set([...stale, ...gone])
    if (add.length + remove.size === 0)
      return { partition, change: restored > 0 ? 'written' : live.size === 0 ? 'empty' : 'unchanged', again }
    if ((await queue.submit({ partition, seen: live, remove, add })) === 'conflict') again = true
    return { partition, change: 'written', again }
  }

  /** Identifies a file, in any folder. */
  #fileName(partition: number, group: readonly BuildInput[]): string {
    return `${fingerprint(this.#series, partition, group)}.parquet`
  }

  #url(partition: number, group: readonly BuildInput[]): string {
    const { partition: fields } = silverShape(this.#series)
    const key = dataFileKey(tableKey('silver', this.#table), fields, [partition], this.#fileName(partition, group))
    return urlOf(this.#lake.store, key)
  }

  async #buildGroups(groups: readonly PartitionGroup[]): Promise<BuiltGroup[]> {
    const { store } = this.#lake
    const { limits, pool, onFile } = this.#options
    const scratch = await makeScratch()
    const paths = new Map<string, string>()
    const tasks: BuildTask[] = []
    try {
      for (const { partition, group } of groups) {
        // An object that bronze has lost does not have a file; the error is reported when it is read.
        const open = (key: string) => store.files.open(key).catch(() => join(scratch, 'lost'))
        for (const { key } of group) if (!paths.has(key)) paths.set(key, await open(bronzeKey(key)))
        tasks.push({
          table: this.#table,
          series: this.#series,
          partition,
          inputs: group.map((input) => ({ ...input, path: paths.get(input.key) ?? '' })),
          output: await store.files.draft(keyOf(store, this.#url(partition, group))),
          rejects: scratch,
          maxEntryBytes: limits.maxEntryBytes,
        })
      }
      const outcomes = await pool.run(tasks)
      for (const sha256 of new Set(outcomes.flatMap(({ decoded }) => decoded.map((input) => input.sha256))))
        await this.#keepRejects(sha256, join(scratch, `${sha256}.ndjson`))
      for (const { file, csvBytes } of outcomes) onFile({ table: this.#table, rows: file?.rows ?? 0, csvBytes })
      return groups.flatMap((one, index) => {
        const [task, outcome] = [tasks[index], outcomes[index]]
        return task === undefined || outcome === undefined ? [] : [{ ...one, outcome, temporary: task.output }]
      })
    } catch (error) {
      for (const { output } of tasks) await rm(output, { force: true })
      throw error
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  /** Stores the lines of an object that could not be decoded. Without such lines, those of an earlier decoder are removed. */
  async #keepRejects(sha256: string, path: string): Promise<void> {
    const key = `${quarantinedRowsKey(this.#table)}/${sha256}.ndjson`
    if (existsSync(path)) await this.#lake.store.put(key, createReadStream(path))
    else await this.#lake.store.delete(key)
  }

  /** Writes what was learnt about the inputs to the ledger. Returns true if rows of other partitions were found for the first time. */
  async #record(partition: number, group: readonly BuildInput[], outcome: BuildOutcome): Promise<boolean> {
    const { ledger, store } = this.#lake
    const decoder = formatOf(this.#series).decoderVersion
    for (const { key, sha256, code, message, bound, lost } of outcome.refused) {
      if (lost) {
        await ledger.append({ event: 'lost', key, sha256, code, message })
        continue
      }
      const reason = { key, sha256, code, message, bytes: bronzeKey(key) }
      await store.put(`${quarantinedObjectKey(sha256, key)}.reason.json`, Buffer.from(`${JSON.stringify(reason)}\n`))
      await ledger.append({ event: 'quarantined', key, stage: 'decode', sha256, published: null, code, message, decoder, bound })
    }
    const start = periodRange(transformOf(this.#series), partition).start
    let again = false
    for (const { key, sha256, evidence } of outcome.decoded) {
      const partitions = [...evidence.elsewhere.keys(), ...(evidence.rows > 0 ? [start] : [])].sort((a, b) => a - b)
      const { bom, lineEnd, unitMs, unitUs, rejected } = evidence
      const rows = evidence.rows + [...evidence.elsewhere.values()].reduce((sum, n) => sum + n, 0)
      await ledger.append({
        event: 'decoded',
        key,
        sha256,
        decoder,
        header: evidence.header !== undefined,
        bom,
        lineEnd,
        unitMs,
        unitUs,
        rows,
        rejected,
        sorted: evidence.sorted,
        unused: evidence.unused,
        partitions,
      })
      const placed = group.find((input) => input.key === key)?.placed === true
      again ||= !placed && partitions.some((other) => other !== start)
    }
    await this.#recordConflicts(outcome)
    return again
  }

  /** A conflict stays known after the run that found it: only one of its rows is in the table. */
  async #recordConflicts({ decoded, duplicates }: BuildOutcome): Promise<void> {
    const decoder = formatOf(this.#series).decoderVersion
    const digests = new Map(decoded.map(({ key, sha256 }) => [key, sha256]))
    for (const { at: time, kept, dropped } of duplicates.conflicts) {
      const [stays, key] = [kept, dropped].map((row) => (JSON.parse(row) as { source_object: string }).source_object)
      const [by, sha256] = [digests.get(stays ?? ''), digests.get(key ?? '')]
      // Rows of filled gaps do not belong to an object of the ledger.
      if (key === undefined || by === undefined || sha256 === undefined) continue
      await this.#lake.ledger.append({ event: 'conflicted', key, sha256, decoder, by, time, kept, dropped })
    }
  }
}

/** The inputs that gave rows to the file. The file name depends only on them, because the next run knows that the other inputs have no rows for it. */
function used(group: readonly BuildInput[], outcome: BuildOutcome): BuildInput[] {
  const giving = new Set(outcome.decoded.filter(({ evidence }) => evidence.rows > 0).map(({ key }) => key))
  return group.filter((input) => giving.has(input.key))
}
