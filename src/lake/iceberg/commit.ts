import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { manifestKey, manifestListKey } from './content-names.ts'
import { asNext, withoutSnapshots, withRef, withSnapshot } from './evolve.ts'
import { type DataFile, encodeManifest, type ManifestEntry, partitionTypes, type SnapshotId } from './manifest.ts'
import { encodeManifestList, lineFor, type ManifestLine } from './manifest-list.ts'
import {
  manifestShapeOf,
  newMetadata,
  printExactJson,
  printMetadata,
  type Snapshot,
  sameId,
  shapeOf,
  type TableMetadata,
} from './metadata.ts'
import { allowsRemoval, removable } from './retention.ts'
import type { TableShape } from './schema.ts'
import { entriesOf, hintedVersion, hintKey, loadTable, manifestsOf, metadataKey, type Table, urlOf } from './table.ts'

/** What a commit changes. `remove` holds the URLs of files, which must be live. */
export type Change = {
  readonly operation: 'append' | 'overwrite' | 'replace' | 'delete'
  readonly add: readonly DataFile[]
  readonly remove: ReadonlySet<string>
  /** More lines for the summary of the snapshot. */
  readonly summary?: Readonly<Record<string, string>>
  /** Properties that the commit sets on the table. */
  readonly properties?: Readonly<Record<string, string>>
  /** The branch to commit to. A new branch begins at the head of main. */
  readonly branch?: string
}

export type CommitDeps = {
  readonly nowMs: () => number
  readonly random: () => number
  /** Called when another writer was first. Files written in vain stay until the next sweep, because both writers may have written the same ones. */
  readonly onConflict: () => void
}

const ATTEMPTS = 50

/** From this number of manifests on, a commit merges the small ones. */
const MAX_MANIFESTS = 12

/** How many snapshots a commit keeps. Older ones are removed, some at a time, as far as the table allows. */
const SNAPSHOTS_KEPT = 100
const SNAPSHOTS_SLACK = 20

/**
 * Commits the metadata that `decide` returns as the next version of the table at `root`, and returns it. If `decide` returns undefined, the current version stays.
 * When another writer is first, `decide` is called again with the newer state, and may throw. A commit is visible as a whole or not at all. Throws COMMIT_CONFLICT.
 */
export async function update(
  store: ObjectStore,
  root: string,
  deps: CommitDeps,
  decide: (current: Table | undefined) => Promise<TableMetadata | undefined>,
): Promise<Table | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const current = await loadTable(store, root)
    const decided = await decide(current)
    if (decided === undefined) return current
    const version = (current?.version ?? 0) + 1
    // If this process paused while `decide` worked, the number may be free because old versions were removed meanwhile.
    const hinted = await hintedVersion(store, root)
    if (hinted !== undefined && hinted >= version) {
      deps.onConflict()
      continue
    }
    const previous =
      current === undefined ? undefined : { metadata: current.metadata, file: urlOf(store, metadataKey(root, current.version)) }
    const metadata = asNext(decided, previous, deps.nowMs())
    try {
      await store.put(metadataKey(root, version), printMetadata(metadata), { ifAbsent: true })
    } catch (error) {
      if (asLakehouseError(error).code !== 'OBJECT_EXISTS') throw error
      deps.onConflict()
      await delay(deps.random() * Math.min(500, 10 * 2 ** Math.min(attempt, 6)))
      continue
    }
    await publishHint(store, root, version)
    return { store, root, version, metadata, shape: shapeOf(metadata, root) }
  }
  throw new LakehouseError('COMMIT_CONFLICT', `cannot commit to ${root}: other writers were first ${ATTEMPTS} times; run again`, {
    details: { table: root },
  })
}

/** Commits one change of rows to the table at `root`, and creates the table if necessary. `decide` works as for `update`. */
export async function commit(
  store: ObjectStore,
  root: string,
  shape: TableShape,
  deps: CommitDeps,
  decide: (current: Table | undefined) => Promise<Change | undefined>,
): Promise<Table | undefined> {
  return await update(store, root, deps, async (current) => {
    const change = await decide(current)
    if (change === undefined) return undefined
    const old = current?.metadata ?? newMetadata(urlOf(store, root), shape, deps.nowMs())
    const base = change.properties === undefined ? old : { ...old, properties: { ...old.properties, ...change.properties } }
    const snapshot = await writeSnapshot(store, root, current, base, change, deps.nowMs())
    const { 'snapshot-id': id, 'timestamp-ms': atMs } = snapshot
    return withoutOldSnapshots(withRef(withSnapshot(base, snapshot), change.branch ?? 'main', id, 'branch', atMs), deps.nowMs())
  })
}

function withoutOldSnapshots(metadata: TableMetadata, nowMs: number): TableMetadata {
  if (metadata.snapshots.length <= SNAPSHOTS_KEPT + SNAPSHOTS_SLACK || !allowsRemoval(metadata)) return metadata
  const { snapshots } = removable(metadata, { defaultAgeMs: Number.NEGATIVE_INFINITY, keep: SNAPSHOTS_KEPT, nowMs })
  return withoutSnapshots(
    metadata,
    snapshots.map((snapshot) => snapshot['snapshot-id']),
  )
}

/** Writes the newest version into the hint, at least `version`. Readers such as DuckDB trust the hint, so it is written again while a newer version exists. */
export async function publishHint(store: ObjectStore, root: string, version: number): Promise<void> {
  let newest = version
  do {
    while ((await store.head(metadataKey(root, newest + 1))) !== undefined) newest++
    await store.put(hintKey(root), Buffer.from(String(newest)))
  } while ((await store.head(metadataKey(root, newest + 1))) !== undefined)
}

async function writeSnapshot(
  store: ObjectStore,
  root: string,
  current: Table | undefined,
  base: TableMetadata,
  change: Change,
  nowMs: number,
): Promise<Snapshot> {
  const sequence = base['last-sequence-number'] + 1
  const head =
    base.refs[change.branch ?? 'main']?.['snapshot-id'] ?? (change.branch === undefined ? undefined : base.refs['main']?.['snapshot-id'])
  const parent = base.snapshots.find((snapshot) => sameId(snapshot['snapshot-id'], head))
  const snapshotId = snapshotIdOf(parent?.['snapshot-id'], sequence, change)
  const write = async (entries: readonly ManifestEntry[]): Promise<ManifestLine[]> => {
    const lines: ManifestLine[] = []
    for (const specId of new Set(entries.map((entry) => entry.file.specId))) {
      const some = entries.filter((entry) => entry.file.specId === specId)
      const bytes = encodeManifest(manifestShapeOf(base, specId, root), manifestHeader(base, specId), some)
      const key = manifestKey(root, bytes)
      await store.put(key, bytes)
      lines.push(lineFor(urlOf(store, key), bytes.length, snapshotId, specId, sequence, some))
    }
    return lines
  }
  const { kept, carried, removed } = await carryOver(current, parent, change, snapshotId)
  if (removed.length !== change.remove.size) {
    throw new LakehouseError(
      'COMMIT_CONFLICT',
      `cannot commit to ${root}: another writer removed a file that this commit replaces; run again`,
      { details: { table: root } },
    )
  }
  const added = change.add.map((file): ManifestEntry => ({ status: 'added', snapshotId, sequence, file }))
  const lines = [...(await write(added)), ...kept, ...(await write([...carried, ...removed]))]
  const list = encodeManifestList(lines, { snapshotId, parentId: parent?.['snapshot-id'], sequence }, (specId) =>
    partitionTypes(manifestShapeOf(base, specId, root)),
  )
  const listKey = manifestListKey(root, snapshotId, list)
  await store.put(listKey, list)
  return {
    'snapshot-id': snapshotId,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': sequence,
    'timestamp-ms': Math.max(nowMs, base['last-updated-ms']),
    'manifest-list': urlOf(store, listKey),
    summary: summaryOf(change, added, removed, parent),
    'schema-id': base['current-schema-id'],
  }
}

/** The header of a manifest with files of one spec. */
export function manifestHeader(base: TableMetadata, specId: number): Parameters<typeof encodeManifest>[1] {
  const schemaId = base['current-schema-id']
  return {
    schemaId,
    schemaJson: printExactJson(base.schemas.find((schema) => schema['schema-id'] === schemaId)),
    specJson: printExactJson(base['partition-specs'].find((spec) => spec['spec-id'] === specId)?.fields ?? []),
    sortOrderId: base['default-sort-order-id'],
  }
}

/** Manifests without removed files stay. Entries of the other manifests, and of small ones when there are too many, go into a new manifest. */
async function carryOver(
  current: Table | undefined,
  parent: Snapshot | undefined,
  change: Change,
  snapshotId: SnapshotId,
): Promise<{ kept: ManifestLine[]; carried: ManifestEntry[]; removed: ManifestEntry[] }> {
  const kept: ManifestLine[] = []
  const carried: ManifestEntry[] = []
  const removed: ManifestEntry[] = []
  if (current === undefined || parent === undefined) return { kept, carried, removed }
  const lines = (await manifestsOf(current, parent)).filter((line) => line.added.files + line.existing.files > 0)
  const merged = toMerge(lines)
  for (const line of lines) {
    const merge = merged.has(line)
    if (!merge && change.remove.size === 0) {
      kept.push(line)
      continue
    }
    const live = (await entriesOf(current, line)).filter((entry) => entry.status !== 'deleted')
    if (!merge && !live.some((entry) => change.remove.has(entry.file.path))) kept.push(line)
    else {
      for (const entry of live) {
        if (change.remove.has(entry.file.path)) removed.push({ ...entry, status: 'deleted', snapshotId })
        else carried.push({ ...entry, status: 'existing' })
      }
    }
  }
  return { kept, carried, removed }
}

/** The smallest manifests, while the next is at most twice as large as all before it. So each entry is rewritten only a few times, however many commits follow. */
function toMerge(lines: readonly ManifestLine[]): ReadonlySet<ManifestLine> {
  if (lines.length < MAX_MANIFESTS) return new Set()
  const size = (line: ManifestLine) => line.added.files + line.existing.files
  const sorted = [...lines].sort((a, b) => size(a) - size(b))
  const chosen = new Set(sorted.slice(0, 2))
  let total = sorted.slice(0, 2).reduce((sum, line) => sum + size(line), 0)
  for (const line of sorted.slice(2)) {
    if (size(line) > 2 * total) break
    chosen.add(line)
    total += size(line)
  }
  return chosen
}

/** 53 bits, so that the id is exact in every JSON reader. */
function snapshotIdOf(parent: SnapshotId | undefined, sequence: number, change: Change): number {
  const hash = createHash('sha256')
  hash.update(printExactJson([parent ?? null, change.operation, sequence, change.add.map((file) => file.path), [...change.remove].sort()]))
  const bytes = hash.digest()
  return (bytes.readUInt32LE(0) & 0x1fffff) * 2 ** 32 + bytes.readUInt32LE(4)
}

function summaryOf(
  change: Change,
  added: readonly ManifestEntry[],
  removed: readonly ManifestEntry[],
  parent: Snapshot | undefined,
): Record<string, string> & { operation: string } {
  const sum = (entries: readonly ManifestEntry[], of: (file: DataFile) => number) =>
    entries.reduce((total, entry) => total + of(entry.file), 0)
  const rows = (file: DataFile) => file.rows
  const bytes = (file: DataFile) => file.bytes
  const total = (name: string, gained: number, lost: number) => String(Number(parent?.summary[name] ?? 0) + gained - lost)
  return {
    operation: change.operation,
    'added-data-files': String(added.length),
    'deleted-data-files': String(removed.length),
    'added-records': String(sum(added, rows)),
    'deleted-records': String(sum(removed, rows)),
    'added-files-size': String(sum(added, bytes)),
    'removed-files-size': String(sum(removed, bytes)),
    'total-data-files': total('total-data-files', added.length, removed.length),
    'total-records': total('total-records', sum(added, rows), sum(removed, rows)),
    'total-files-size': total('total-files-size', sum(added, bytes), sum(removed, bytes)),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
    ...change.summary,
  }
}
