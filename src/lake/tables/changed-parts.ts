import { LakehouseError } from '../../core/errors.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { type Snapshot, sameId } from '../iceberg/metadata.ts'
import { entriesOf, liveFiles, manifestsOf, snapshotOf, type Table } from '../iceberg/table.ts'
import { comparePartitions, partitionLabel } from './describe.ts'
import { ancestors } from './maintain.ts'
import { timeRange } from './status.ts'
import { partName } from './write-rows.ts'

/** Rows of one partition that changed: a range of times and, in a table with symbols, of symbols. Both ends are included. Rows outside of it are as they were. */
export type ChangedPart = {
  readonly partition: string
  /** added: only new rows. removed: rows are gone. rewritten: both. */
  readonly change: 'added' | 'removed' | 'rewritten'
  readonly from: string | null
  readonly to: string | null
  readonly symbolFrom: string | null
  readonly symbolTo: string | null
  readonly rowsRemoved: number
  readonly rowsAdded: number
}

type Files = { readonly added: Map<string, DataFile>; readonly removed: Map<string, DataFile> }

/**
 * What a reader of `since` must read again to have the current snapshot, from metadata alone, in the order of partitions. Compactions do not change rows, so they do not
 * count, unless `since` is not in the history of the current snapshot.
 */
export async function changedParts(table: Table, since: Snapshot): Promise<ChangedPart[]> {
  const { added, removed } = await changedFiles(table, since)
  const parts = new Map<string, { sample: DataFile; added: DataFile[]; removed: DataFile[] }>()
  const partOf = (file: DataFile) => {
    const part = parts.get(partName(file)) ?? { sample: file, added: [], removed: [] }
    parts.set(partName(file), part)
    return part
  }
  for (const [path, file] of added) if (!removed.has(path)) partOf(file).added.push(file)
  for (const [path, file] of removed) if (!added.has(path)) partOf(file).removed.push(file)
  return [...parts.values()]
    .sort((a, b) => comparePartitions(a.sample, b.sample))
    .map((part) => {
      const files = [...part.added, ...part.removed]
      const range = timeRange(table)
      for (const file of files) range.add(file)
      const rows = (some: readonly DataFile[]) => some.reduce((sum, file) => sum + file.rows, 0)
      const change = part.removed.length === 0 ? 'added' : part.added.length === 0 ? 'removed' : 'rewritten'
      return {
        partition: partitionLabel(table, part.sample),
        change,
        ...range.shown(),
        ...symbolsOf(table, files),
        rowsRemoved: rows(part.removed),
        rowsAdded: rows(part.added),
      } as const
    })
}

async function changedFiles(table: Table, since: Snapshot): Promise<Files> {
  const files: Files = { added: new Map(), removed: new Map() }
  const line = ancestors(table)
  const at = line.findIndex((snapshot) => sameId(snapshot['snapshot-id'], since['snapshot-id']))
  if (at < 0) {
    for await (const file of liveFiles(table, since)) files.removed.set(file.path, file)
    for await (const file of liveFiles(table, snapshotOf(table, undefined))) files.added.set(file.path, file)
    return files
  }
  for (const snapshot of line.slice(0, at)) {
    if (snapshot.summary['operation'] === 'replace') continue
    for (const manifest of await manifestsOf(table, snapshot)) {
      if (!sameId(manifest.snapshotId, snapshot['snapshot-id'])) continue
      for (const { status, snapshotId, file } of await entriesOf(table, manifest)) {
        if (!sameId(snapshotId, snapshot['snapshot-id'])) continue
        if (status === 'added') files.added.set(file.path, file)
        if (status === 'deleted') files.removed.set(file.path, file)
      }
    }
  }
  return files
}

/** The first and last symbol of some files, from their bounds. */
function symbolsOf({ shape }: Table, files: readonly DataFile[]): { symbolFrom: string | null; symbolTo: string | null } {
  const id = shape.fields.find(({ name, type }) => name === 'symbol' && type === 'string')?.id
  const bounds = (of: 'lower' | 'upper') => files.map((file) => (id === undefined ? undefined : file[of].get(id)))
  const [lower, upper] = [bounds('lower'), bounds('upper')]
  // Without the bounds of every file, any symbol may be in it.
  if ([...lower, ...upper].some((value) => typeof value !== 'string')) return { symbolFrom: null, symbolTo: null }
  return { symbolFrom: (lower as string[]).toSorted()[0] ?? null, symbolTo: (upper as string[]).toSorted().at(-1) ?? null }
}

/** The snapshot to compare with. Throws SNAPSHOT_NOT_FOUND for a table without snapshots. */
export function requireSnapshot(snapshot: Snapshot | undefined, root: string): Snapshot {
  if (snapshot !== undefined) return snapshot
  throw new LakehouseError(
    'SNAPSHOT_NOT_FOUND',
    `${root} does not have snapshots yet, so nothing can have changed: see \`tables snapshots\``,
  )
}
