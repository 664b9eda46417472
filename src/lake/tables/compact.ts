import { LakehouseError } from '../../core/errors.ts'
import { quoteName } from '../../platform/duckdb/session.ts'
import { digestOfFile } from '../../storage/digests.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { commit } from '../iceberg/commit.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { manifestShapeOf } from '../iceberg/metadata.ts'
import { dataFileKey, fileNameOf } from '../iceberg/partition-folder.ts'
import { keyOf, liveFiles, loadTable, required, snapshotOf, type Table, urlOf } from '../iceberg/table.ts'
import { fileDifferences } from './check.ts'
import { scanSql } from './scan-sql.ts'
import { partName, type WriteDeps, writeFile } from './write-rows.ts'

/** Bytes: files below this size are small, and merged files have at most about twice this size. */
export const SMALL_FILE = 128 << 20

/** This many small files in a partition are merged into one. Tables of symbol ranges have two by design. */
export const MANY_FILES = 4

/** Groups of files of one partition; compaction merges each group into one file. */
export async function compactable(table: Table): Promise<DataFile[][]> {
  const isUnsorted = (file: DataFile) => table.shape.sort.length > 0 && !file.sorted
  const parts = new Map<string, DataFile[]>()
  const current = table.metadata['default-spec-id']
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) {
    // Files with an older spec stay: their rows may belong to several partitions of the current spec.
    if (file.specId !== current || (file.bytes >= SMALL_FILE && !isUnsorted(file))) continue
    const name = partName(file)
    parts.set(name, [...(parts.get(name) ?? []), file])
  }
  return [...parts.values()].flatMap((files) => (files.length >= MANY_FILES || files.some(isUnsorted) ? grouped(files) : []))
}

/** Groups whose size is at most twice that of a small file. */
function grouped(files: readonly DataFile[]): DataFile[][] {
  const groups: DataFile[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (size + file.bytes > 2 * SMALL_FILE) {
      groups.push([])
      size = 0
    }
    groups.at(-1)?.push(file)
    size += file.bytes
  }
  return groups
}

export type Compaction = {
  readonly filesBefore: number
  readonly filesAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Files that were in a folder that does not match their partition. */
  readonly filesMoved: number
}

const ROUNDS = 5

/**
 * Merges many small or unsorted files of a partition into one sorted file; rows do not change. A group whose files no longer exist is planned again.
 * Files in a folder that does not match their partition are moved to the right one, unchanged.
 */
export async function compactTable(deps: WriteDeps, root: string): Promise<Compaction> {
  const total = { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0, filesMoved: 0 }
  for (let round = 1; ; round++) {
    const table = required(await loadTable(deps.store, root), root)
    let conflicts = 0
    for (const files of await compactable(table)) {
      const made = await compactGroup(deps, table, files)
      if (made === undefined) conflicts++
      else {
        total.filesBefore += files.length
        total.filesAfter++
        total.bytesBefore += files.reduce((sum, file) => sum + file.bytes, 0)
        total.bytesAfter += made.bytes
      }
    }
    const moved = conflicts === 0 ? await moveFiles(deps, root) : 'conflict'
    if (moved !== 'conflict') return { ...total, filesMoved: moved }
    if (round === ROUNDS)
      throw new LakehouseError(
        'COMMIT_CONFLICT',
        `${root}: other writers changed the files to be compacted ${ROUNDS} times: run \`tables compact\` again`,
      )
  }
}

async function compactGroup(deps: WriteDeps, table: Table, files: readonly DataFile[]): Promise<{ bytes: number } | undefined> {
  const [first] = files
  if (first === undefined) return undefined
  for (const file of files) await requireWhole(deps.store, table.root, file)
  const rowsSql = await scanSql(deps.session, table, table.shape, files)
  const written = await writeFile(deps.store, deps.session, rowsSql, table.shape, { root: table.root, partition: first.partition })
  if (written === undefined) return undefined
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  if (written.rows !== rows)
    throw new LakehouseError(
      'TABLE_CORRUPT',
      `${table.root}: the files to be compacted have ${written.rows} rows, but their metadata says ${rows}: run \`tables check\``,
    )
  await requireEqual(deps, table, rowsSql, { ...written, specId: first.specId })
  const remove = new Set(files.map((file) => file.path))
  if (remove.has(written.path)) return written
  try {
    await commit(deps.store, table.root, table.shape, deps.commits, async () => ({
      operation: 'replace',
      add: [{ ...written, specId: first.specId }],
      remove,
      summary: { 'lakehouse.run': deps.run },
    }))
    return written
  } catch (error) {
    if (error instanceof LakehouseError && error.code === 'COMMIT_CONFLICT') return undefined
    throw error
  }
}

/** A rewrite would make damage permanent. Throws TABLE_CORRUPT for a file that is not as it was written. */
async function requireWhole(store: ObjectStore, root: string, { path, bytes, sha256 }: DataFile): Promise<void> {
  const size = (await store.head(keyOf(store, path)))?.size
  // The engine reads the same copy afterwards.
  if (size === bytes && (sha256 === undefined || (await digestOfFile(await store.files.open(keyOf(store, path)))) === sha256)) return
  throw new LakehouseError(
    'TABLE_CORRUPT',
    `${path} is ${size === undefined ? 'missing' : 'damaged'}, so nothing was rewritten: run \`lake repair\``,
    { details: { table: root, file: path } },
  )
}

/** Compares what a rewrite read with what it wrote: rows, values that are not null, a digest of each column, and what the manifest will say of the file. `fromSql` gives the rows that were read. Throws TABLE_CORRUPT for any difference. */
async function requireEqual({ session }: WriteDeps, table: Table, fromSql: string, to: DataFile): Promise<void> {
  const columns = table.shape.fields.map(({ name }) => quoteName(name))
  // Sums of hashes do not depend on the order of rows.
  const digests = columns.map((column) => `count(${column}), sum(hash(${column}::VARCHAR)::HUGEINT)`).join(', ')
  const digest = async (rowsSql: string) => {
    const rows = await session.jsonRows(`SELECT count(*), ${digests} FROM (${rowsSql})`)
    return Object.values(rows[0] ?? {})
  }
  const [before, after] = [await digest(fromSql), await digest(await scanSql(session, table, table.shape, [to]))]
  const different = before.findIndex((value, index) => value !== after[index])
  const column = table.shape.fields[Math.floor((different - 1) / 2)]?.name ?? 'the number of rows'
  const [entry] = different < 0 ? await fileDifferences(table, session, to) : [`the compacted file differs from its sources in ${column}`]
  if (entry === undefined) return
  throw new LakehouseError('TABLE_CORRUPT', `${table.root}: ${entry}, so nothing was published: run \`tables check\``, {
    details: { table: table.root },
  })
}

/** File names that this program gives. Files of other writers are not moved. */
const OWN_NAME = /^(filled-)?[0-9a-f]{33,40}\.parquet$/

/** Moves our files whose folder does not match their partition into the right folder, under the same name. Returns their number. */
async function moveFiles({ store, commits, run }: WriteDeps, root: string): Promise<number | 'conflict'> {
  const table = required(await loadTable(store, root), root)
  const moved: { file: DataFile; from: string; to: string }[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) {
    const name = fileNameOf(file.path)
    const { partition: fields } = manifestShapeOf(table.metadata, file.specId, root)
    const [from, to] = [keyOf(store, file.path), dataFileKey(root, fields, file.partition, name)]
    if (from !== to && from.startsWith(`${root}/data/`) && OWN_NAME.test(name)) moved.push({ file, from, to })
  }
  if (moved.length === 0) return 0
  for (const { file, from, to } of moved) {
    await requireWhole(store, root, file)
    await store.copy(from, to)
  }
  try {
    await commit(store, root, table.shape, commits, async () => ({
      operation: 'replace',
      add: moved.map(({ file, to }) => ({ ...file, path: urlOf(store, to) })),
      remove: new Set(moved.map(({ file }) => file.path)),
      summary: { 'lakehouse.run': run },
    }))
    return moved.length
  } catch (error) {
    if (error instanceof LakehouseError && error.code === 'COMMIT_CONFLICT') return 'conflict'
    throw error
  }
}
