import { rm } from 'node:fs/promises'
import { LakehouseError } from '../../core/errors.ts'
import type { Interval } from '../../core/interval.ts'
import { DATASETS, TRADED_BARS } from '../../datasets/registry.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { dataFileKey, fileNameOf } from '../../lake/iceberg/partition-folder.ts'
import { periodRange, type TableShape } from '../../lake/iceberg/schema.ts'
import { currentFiles, keyOf, loadTable, urlOf } from '../../lake/iceberg/table.ts'
import { periodOf } from '../../lake/iceberg/transform.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { CommitQueue, filesByPartition } from '../../lake/tables/commit-queue.ts'
import { writeDataFile } from '../../lake/tables/data-file.ts'
import { lostFiles, putBack } from '../../lake/tables/lost-files.ts'
import { openFiles } from '../../lake/tables/scan-sql.ts'
import { addMissingColumns } from '../../lake/tables/write-rows.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { silverTableName } from '../../sources/series.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import {
  type BarSeries,
  type BarSource,
  barFingerprint,
  barPeriod,
  barQuery,
  barShape,
  barTableName,
  largestAmounts,
  sourceIntervals,
  tradedBars,
} from './bars.ts'

export type GoldOutcome = {
  readonly table: string
  readonly rowsWritten: number
  readonly partitionsWritten: number
  readonly partitionsUnchanged: number
}

type Source = { readonly interval: Interval; readonly files: readonly DataFile[]; readonly fields: TableShape['fields'] }

/** At most this many finished partitions wait for a common commit while the next query runs. */
const COMMITTED_TOGETHER = 16

/** The maximum number of attempts. A table is planned again when another run changed a partition in the meantime. */
const ROUNDS = 8

/** Builds a bar table from the published bars of its market. Computes only partitions whose silver files changed. */
export async function buildBars(lake: Lake, series: BarSeries): Promise<GoldOutcome> {
  const table = barTableName(series)
  const outcome = { table, rowsWritten: 0, partitionsWritten: 0, partitionsUnchanged: 0 }
  for (let round = 1; ; round++) {
    // Read the live bars before the klines: klines that arrive in between only cause one more build.
    const live = await filesByPartition(await lake.findTable('gold', table))
    await addMissingColumns(lake, tableKey('gold', table), barShape(series))
    const lost = await lostFiles(lake.store, tableKey('gold', table), [...live.values()].flat())
    const sources = await silverSources(lake.store, series)
    const shape = barShape(series)
    const queue = new CommitQueue({ store: lake.store, root: tableKey('gold', table), shape, deps: lake.commits, run: lake.run })
    let conflicts = 0
    const partitions = partitionsOf(series, sources, live)
    const build = (partition: number) =>
      buildPartition(lake, series, shape, partition, sources, { live: live.get(partition) ?? [], lost }, queue)
    for await (const rows of mapConcurrent(partitions, { limit: COMMITTED_TOGETHER, signal: lake.signal }, build)) {
      if (rows === 'unchanged') outcome.partitionsUnchanged += round === 1 ? 1 : 0
      else if (rows === 'conflict') conflicts++
      else {
        outcome.rowsWritten += rows
        outcome.partitionsWritten++
      }
    }
    if (conflicts === 0) return outcome
    if (round === ROUNDS)
      throw new LakehouseError(
        'COMMIT_CONFLICT',
        `other runs changed gold.${table} ${ROUNDS} times while this run built it: run again when they have ended`,
        {
          details: { table: `gold.${table}` },
        },
      )
  }
}

async function silverSources(store: ObjectStore, series: BarSeries): Promise<Source[]> {
  const sources: Source[] = []
  for (const fine of sourceIntervals(series.interval)) {
    const table = await loadTable(store, tableKey('silver', silverTableName(tradedBars({ ...series, interval: fine }))))
    if (table === undefined) continue
    const files = await currentFiles(table)
    if (files.length > 0) sources.push({ interval: fine, files, fields: table.shape.fields })
  }
  return sources
}

/** The partitions that silver files reach, and the live partitions. */
function partitionsOf(series: BarSeries, sources: readonly Source[], live: ReadonlyMap<number | undefined, unknown>): number[] {
  const transform = barPeriod(series)
  const found = new Set<number>()
  for (const partition of live.keys()) if (partition !== undefined) found.add(partition)
  for (const { files, fields } of sources) {
    for (const file of files) {
      const range = timesOf(file, fields)
      for (let value = periodOf(transform, range.start - overhang(series)); value <= periodOf(transform, range.end); value++)
        found.add(value)
    }
  }
  return [...found].sort((a, b) => a - b)
}

/** The first and last open time of a file, from its bounds. */
function timesOf(file: DataFile, fields: Source['fields']): { start: number; end: number } {
  const id = fields.find(({ name }) => name === DATASETS[TRADED_BARS].eventTime)?.id ?? 0
  return { start: Number(file.lower.get(id)), end: Number(file.upper.get(id)) }
}

async function buildPartition(
  lake: Lake,
  series: BarSeries,
  shape: TableShape,
  partition: number,
  sources: readonly Source[],
  { live, lost }: { readonly live: readonly DataFile[]; readonly lost: ReadonlySet<string> },
  queue: CommitQueue,
): Promise<number | 'unchanged' | 'conflict'> {
  const { store } = lake
  const transform = barPeriod(series)
  const range = periodRange(transform, partition)
  const reaching = sources
    .map(({ interval, files, fields }) => ({
      interval,
      fields,
      files: files.filter((file) => {
        const { start, end } = timesOf(file, fields)
        return end >= range.start && start < range.end + overhang(series)
      }),
    }))
    .filter(({ files }) => files.length > 0)
  const seen = new Set(live.map((file) => file.path))
  const name = barFingerprint(
    series,
    partition,
    reaching.map(({ interval, files }) => ({ interval, urls: files.map((file) => file.path) })),
  )
  const fileName = `${name}.parquet`
  const url = urlOf(store, dataFileKey(tableKey('gold', barTableName(series)), shape.partition, [partition], fileName))
  if (live.some(({ path }) => fileNameOf(path) === fileName && !lost.has(path)) || (reaching.length === 0 && live.length === 0))
    return 'unchanged'
  const temporary = await store.files.draft(keyOf(store, url))
  try {
    const paths: BarSource[] = []
    for (const { interval, files, fields } of reaching)
      paths.push({ interval, paths: await openFiles(store, files), largest: largestAmounts(files, fields) })
    const written =
      paths.length === 0
        ? undefined
        : await writeDataFile(lake.session, barQuery(series, paths, range), shape.fields, temporary, DATASETS[TRADED_BARS].parquet)
    const file = written === undefined || written.rows === 0 ? undefined : { ...written, path: url, specId: 0, partition: [partition] }
    if (file !== undefined && (await putBack(store, lost, live, file, temporary))) return file.rows
    const add = file === undefined ? [] : [{ temporary, file }]
    if (add.length === 0 && live.length === 0) return 'unchanged'
    const done = await queue.submit({ partition, seen, remove: seen, add })
    return done === 'conflict' ? done : (written?.rows ?? 0)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** How far the last bar of a partition may reach into the next partition. Only 3d and 1w bars do, because months and years end with a day. */
function overhang(series: BarSeries): number {
  return series.interval === '1w' || series.interval === '3d' ? 7 * 86_400_000_000 : 0
}
