import { asLakehouseError } from '../../core/errors.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { problemOf, type Recorded } from '../../storage/digests.ts'
import { found } from '../../storage/object-store.ts'
import { namedDigest } from '../iceberg/content-names.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import type { ManifestLine } from '../iceberg/manifest-list.ts'
import { parseMetadata, type Snapshot, sameId } from '../iceberg/metadata.ts'
import { entriesOf, hintKey, keyOf, loadTable, manifestsOf, metadataKey, type Table, versionIn } from '../iceberg/table.ts'
import { tableName } from '../layout.ts'
import { cardKey, tableCard } from '../tables/table-card.ts'
import { unlessUnreadable } from '../tables/unreadable.ts'
import type { Damage, DamageSearch, FileKind } from './damage.ts'

/** Files that are read at the same time. */
const READ_AT_ONCE = 4

/** Compares every file of a table, of every snapshot, with what is recorded of it. */
export async function findTableDamage(search: DamageSearch, root: string): Promise<void> {
  const isReadable = await findVersionDamage(search, root)
  if (!isReadable) return
  const table = await loadTable(search.store, root)
  if (table === undefined) return
  const files = await findManifestDamage(search, table)
  for await (const _ of mapConcurrent(files.values(), { limit: READ_AT_ONCE, signal: search.signal }, ({ file, isCurrent }) => {
    const recorded = { digest: file.sha256, bytes: file.bytes }
    return compare(search, root, keyOf(search.store, file.path), 'data file', recorded, isCurrent)
  }));
  await findCardDamage(search, table)
}

async function compare(
  search: DamageSearch,
  root: string,
  key: string,
  kind: FileKind,
  recorded: Recorded,
  isCurrent: boolean,
): Promise<void> {
  const problem = await problemOf(search.store, key, recorded)
  search.count(recorded)
  if (problem !== undefined) search.add({ key, kind, table: tableName(root), problem, digest: recorded.digest, isCurrent })
}

/** Checks every version of the metadata. Returns false when the newest one cannot be read. */
async function findVersionDamage(search: DamageSearch, root: string): Promise<boolean> {
  const { store } = search
  const versions = new Map<number, string>()
  for await (const { key } of store.list(`${root}/metadata/v`)) {
    const version = versionIn(key)
    if (version !== undefined) versions.set(version, key)
  }
  const newest = Math.max(0, ...versions.keys())
  const damage = (key: string, problem: Damage['problem'], isCurrent: boolean, kind: FileKind = 'metadata') =>
    search.add({ key, kind, table: tableName(root), problem, digest: undefined, isCurrent })
  const hint = Buffer.from((await found(store.get(hintKey(root)))) ?? []).toString('utf8')
  // The hint is written after its version, so a greater number means that versions are gone.
  const hinted = /^\d{1,9}$/.test(hint) ? Number(hint) : undefined
  if (hinted !== newest) damage(hintKey(root), hint === '' ? 'missing' : 'bytes', true, 'version hint')
  let isReadable = true
  for (const [version, key] of versions) {
    search.count({ digest: 'own' })
    try {
      parseMetadata(await store.get(key), key)
    } catch (error) {
      const { code } = asLakehouseError(error)
      if (code === 'TABLE_CORRUPT') damage(key, 'bytes', version === newest)
      else if (code !== 'TABLE_UNSUPPORTED' && code !== 'OBJECT_NOT_FOUND') throw error
      if (version === newest) isReadable = false
    }
  }
  if (versions.size === 0) damage(metadataKey(root, hinted ?? 1), 'missing', true)
  return isReadable && versions.size > 0
}

/** Checks the lists and manifests of every snapshot. Returns the data files that they name, by path. */
async function findManifestDamage(search: DamageSearch, table: Table): Promise<Map<string, { file: DataFile; isCurrent: boolean }>> {
  const files = new Map<string, { file: DataFile; isCurrent: boolean }>()
  const seen = new Map<string, readonly DataFile[]>()
  const { snapshots, refs, 'current-snapshot-id': current } = table.metadata
  const isNamed = ({ 'snapshot-id': id }: Snapshot) =>
    sameId(id, current) || Object.values(refs).some((ref) => sameId(ref['snapshot-id'], id))
  for (const snapshot of snapshots) {
    const isCurrent = isNamed(snapshot)
    const listKey = keyOf(table.store, snapshot['manifest-list'])
    await compare(search, table.root, listKey, 'manifest', { digest: namedDigest(listKey) }, isCurrent)
    // A damaged list or manifest has been reported by its digest.
    for (const line of (await unlessUnreadable(() => manifestsOf(table, snapshot))) ?? []) {
      const live = seen.get(line.path) ?? (await liveOf(search, table, line, isCurrent))
      seen.set(line.path, live)
      for (const file of live) files.set(file.path, { file, isCurrent: isCurrent || files.get(file.path)?.isCurrent === true })
    }
  }
  return files
}

async function liveOf(search: DamageSearch, table: Table, line: ManifestLine, isCurrent: boolean): Promise<readonly DataFile[]> {
  const key = keyOf(table.store, line.path)
  await compare(search, table.root, key, 'manifest', { digest: namedDigest(key), bytes: line.bytes }, isCurrent)
  const entries = (await unlessUnreadable(() => entriesOf(table, line))) ?? []
  return entries.filter(({ status }) => status !== 'deleted').map(({ file }) => file)
}

/** The card can be made again from the table, so its bytes are compared with that. Tables of bronze do not have one. */
async function findCardDamage(search: DamageSearch, table: Table): Promise<void> {
  const right = await unlessUnreadable(() => tableCard(table))
  const key = cardKey(table.root)
  const held = await found(search.store.get(key))
  if (right === undefined || (held === undefined && table.root.startsWith('bronze/'))) return
  search.count({ digest: 'own' })
  if (held !== undefined && right.equals(held)) return
  search.add({
    key,
    kind: 'table card',
    table: tableName(table.root),
    problem: held === undefined ? 'missing' : 'bytes',
    digest: undefined,
    isCurrent: true,
  })
}
