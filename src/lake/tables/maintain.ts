import type { ObjectStore } from '../../storage/object-store.ts'
import { type CommitDeps, publishHint, update } from '../iceberg/commit.ts'
import { withoutRef, withoutSnapshots } from '../iceberg/evolve.ts'
import { lineOf, type Snapshot, type TableMetadata } from '../iceberg/metadata.ts'
import { allowsRemoval, type Retention, removable, requireRemoval } from '../iceberg/retention.ts'
import { entriesOf, keyOf, loadTable, manifestsOf, required, type Table, versionIn } from '../iceberg/table.ts'
import { everyTable } from './list-tables.ts'

export type ExpireOptions = Omit<Retention, 'nowMs'> & { readonly dryRun: boolean }

/** What was removed: snapshots, and branches and tags beyond their age. */
export type Expired = { readonly snapshots: readonly Snapshot[]; readonly refs: readonly string[] }

/** Removes old snapshots, branches and tags from a table, as its properties allow. The files stay until `removeOrphans`. Throws TABLE_NOT_FOUND, TABLE_UNSUPPORTED. */
export async function expireSnapshots(store: ObjectStore, root: string, deps: CommitDeps, options: ExpireOptions): Promise<Expired> {
  let gone: Expired = { snapshots: [], refs: [] }
  const decide = async (current: Table | undefined) => {
    const { metadata } = required(current, root)
    requireRemoval(metadata, root)
    gone = removable(metadata, { ...options, nowMs: deps.nowMs() })
    if (gone.snapshots.length + gone.refs.length === 0 || options.dryRun) return undefined
    const named = gone.refs.reduce<TableMetadata>((next, ref) => withoutRef(next, ref), metadata)
    return withoutSnapshots(
      named,
      gone.snapshots.map((snapshot) => snapshot['snapshot-id']),
    )
  }
  await update(store, root, deps, decide)
  return gone
}

export type OrphanOptions = {
  /** Files written after this time stay, because a running commit may need them. */
  readonly beforeMs: number
  readonly dryRun: boolean
}

export type Orphan = { readonly key: string; readonly bytes: number }

/** How many former versions of the metadata stay, for readers that have just found them. */
const VERSIONS_KEPT = 20

/**
 * Removes the old files of a table that no snapshot of any table of the lake reaches, and returns them. It also corrects an outdated version hint. Reachable files are read again after
 * the listing, so that files of a commit made meanwhile stay. Does nothing for a table that does not allow removal.
 */
export async function removeOrphans(store: ObjectStore, root: string, { beforeMs, dryRun }: OrphanOptions): Promise<Orphan[]> {
  const candidates: Orphan[] = []
  for (const folder of [`${root}/data/`, `${root}/metadata/`]) {
    for await (const { key, size, lastModifiedMs } of store.list(folder))
      if (lastModifiedMs < beforeMs && !key.endsWith('/version-hint.text')) candidates.push({ key, bytes: size })
  }
  const table = await loadTable(store, root)
  if (table !== undefined && !allowsRemoval(table.metadata)) return []
  if (table !== undefined && !dryRun) await publishHint(store, root, table.version)
  const reachable = await reachableKeys(store, table)
  // A table that was registered under another name has the same files. A table that cannot be read stops the command.
  for (const other of await everyTable(store))
    if (other !== root) for (const key of await reachableKeys(store, await loadTable(store, other))) reachable.add(key)
  const isOld = (key: string) => {
    const version = versionIn(key)
    return version === undefined || (table !== undefined && version < table.version - VERSIONS_KEPT)
  }
  const orphans: Orphan[] = []
  for (const one of candidates) {
    if (reachable.has(one.key) || !isOld(one.key)) continue
    // A writer that writes the same file again renews its time.
    const now = dryRun ? undefined : await store.head(one.key)
    if (now !== undefined && now.lastModifiedMs >= beforeMs) continue
    if (!dryRun) await store.delete(one.key)
    orphans.push(one)
  }
  return orphans
}

async function reachableKeys(store: ObjectStore, table: Table | undefined): Promise<Set<string>> {
  const keys = new Set<string>()
  const { statistics = [], 'partition-statistics': partitionStatistics = [] } = (table?.metadata ?? {}) as Record<
    string,
    { 'statistics-path'?: unknown }[] | undefined
  >
  for (const { 'statistics-path': path } of [...statistics, ...partitionStatistics])
    if (typeof path === 'string') keys.add(keyOf(store, path))
  for (const snapshot of table?.metadata.snapshots ?? []) {
    if (table === undefined) break
    keys.add(keyOf(store, snapshot['manifest-list']))
    for (const line of await manifestsOf(table, snapshot)) {
      const key = keyOf(store, line.path)
      if (keys.has(key)) continue
      keys.add(key)
      for (const { file } of await entriesOf(table, line)) keys.add(keyOf(store, file.path))
    }
  }
  return keys
}

/** The snapshots from the current one back to the oldest that still exists. */
export function ancestors({ metadata }: Table): Snapshot[] {
  return lineOf(metadata, metadata.refs['main']?.['snapshot-id'] ?? metadata['current-snapshot-id'])
}
