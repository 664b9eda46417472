import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { digestOf } from '../../storage/digests.ts'
import { found, type ObjectStore } from '../../storage/object-store.ts'
import { publishHint } from '../iceberg/commit.ts'
import { parseMetadata, printMetadata, type TableMetadata } from '../iceberg/metadata.ts'
import { entriesOf, keyOf, loadTable, manifestsOf, metadataKey, type Table, versionIn } from '../iceberg/table.ts'
import { LAKE_MARKER, LEDGER_PREFIX, RUNS_PREFIX, tableName } from '../layout.ts'
import { hasChanged } from '../own-digest.ts'
import { everyTable } from '../tables/list-tables.ts'
import { orFinding } from '../tables/unreadable.ts'
import { beginFolder, endFolder, INDEX, newestFolder, nextFolder } from './folders.ts'
import { rebase } from './rebase.ts'

const index = z.object({
  lake: z.string(),
  madeAt: z.string(),
  tables: z.array(z.object({ root: z.string(), version: z.number() })),
  objects: z.array(z.object({ key: z.string(), size: z.number(), sha256: z.string() })),
})

const AT_ONCE = 16

type BackupCounts = { readonly objects: number; readonly bytes: number; readonly tables: number }

/** The key of the folder of a backup, its content, and the tables that could not be read and so are not in it. */
export type Backup = { readonly folder: string; readonly counts: BackupCounts; readonly findings: readonly Finding[] }

/**
 * Copies the metadata of the tables and the ledger to a folder of another store, and reads every copy back. The time names the folder. Data files and bronze are not
 * included: `sync` copies them. Returns the key of the folder. A backup without its index does not count, and the next backup removes it if its process is dead. Throws CHECKSUM_MISMATCH when a copy differs.
 */
export async function backUp(
  lake: ObjectStore,
  to: ObjectStore,
  { nowMs, signal }: { nowMs: () => number; signal: AbortSignal },
): Promise<Backup> {
  const madeAt = new Date(nowMs()).toISOString()
  const folder = await nextFolder(to, nowMs())
  await beginFolder(to, folder)
  const tables: { root: string; version: number }[] = []
  const keys = [LAKE_MARKER]
  const findings: Finding[] = []
  for (const root of await everyTable(lake)) {
    await orFinding(root, findings, async () => {
      const table = await loadTable(lake, root)
      if (table === undefined) return
      const metadata = await metadataKeys(table)
      tables.push({ root, version: table.version })
      keys.push(...metadata)
    })
  }
  for await (const { key } of lake.list(LEDGER_PREFIX)) if (!key.startsWith(RUNS_PREFIX)) keys.push(key)
  const objects: z.infer<typeof index>['objects'] = []
  for await (const one of mapConcurrent(keys, { limit: AT_ONCE, signal }, (key) => copyProved(lake, key, to, `${folder}/${key}`)))
    objects.push(one)
  objects.sort((a, b) => (a.key < b.key ? -1 : 1))
  await endFolder(to, folder, { lake: lake.url, madeAt, tables, objects } satisfies z.infer<typeof index>)
  return {
    folder,
    findings,
    counts: { objects: objects.length, bytes: objects.reduce((sum, { size }) => sum + size, 0), tables: tables.length },
  }
}

/** The keys of one version of a table's metadata and of the manifests that it reaches. */
async function metadataKeys(table: Table): Promise<string[]> {
  const keys = new Set([metadataKey(table.root, table.version)])
  for (const snapshot of table.metadata.snapshots) {
    keys.add(keyOf(table.store, snapshot['manifest-list']))
    for (const line of await manifestsOf(table, snapshot)) keys.add(keyOf(table.store, line.path))
  }
  return [...keys]
}

async function copyProved(
  from: ObjectStore,
  key: string,
  to: ObjectStore,
  target: string,
): Promise<{ key: string; size: number; sha256: string }> {
  const bytes = await from.get(key)
  await to.put(target, bytes)
  const sha256 = digestOf(bytes)
  if (digestOf(await to.get(target)) !== sha256)
    throw new LakehouseError('CHECKSUM_MISMATCH', `the copy ${to.url}/${target} differs from the original: run \`backup\` again`, {
      details: { key: target },
    })
  return { key, size: bytes.length, sha256 }
}

/** Throws CHECKSUM_MISMATCH. */
async function readIndex(from: ObjectStore, folder: string): Promise<z.infer<typeof index>> {
  const text = Buffer.from(await from.get(`${folder}${INDEX}`)).toString('utf8')
  try {
    if (hasChanged(text) !== true) return index.parse(JSON.parse(text))
  } catch {
    // It is reported below.
  }
  throw new LakehouseError('CHECKSUM_MISMATCH', `${from.url}/${folder}${INDEX} is damaged: restore from another backup`, {
    details: { key: folder + INDEX },
  })
}

type RestoreOutcome = { readonly table: string; readonly restored: boolean; readonly reason: string }

/** What was restored, and when the backup was made; `segments` counts segments of the ledger. */
export type Restoration = { readonly madeAt: string; readonly outcomes: RestoreOutcome[]; readonly segments: number }

/**
 * Restores ledger segments and metadata files that are missing or differ, and tables that are missing, unreadable or older than the backup. Other tables stay. A restored table gets the next
 * version number. If the lake has another address now, paths are rewritten. Every object of the backup is compared with its digest before anything is written. Throws OBJECT_NOT_FOUND, CHECKSUM_MISMATCH.
 */
export async function restore(lake: ObjectStore, from: ObjectStore, deps: { signal: AbortSignal; dryRun: boolean }): Promise<Restoration> {
  const folder = await backupFolder(from)
  const listed = await readIndex(from, folder)
  const digests = new Map(listed.objects.map(({ key, sha256 }) => [key, sha256]))
  const proved = async (key: string) => {
    const bytes = await from.get(folder + key)
    const expected = digests.get(key)
    if (digestOf(bytes) !== expected)
      throw new LakehouseError(
        'CHECKSUM_MISMATCH',
        `${from.url}/${folder}${key} differs from what was backed up: restore from another backup`,
        { details: { key } },
      )
    return bytes
  }
  for await (const _ of mapConcurrent(listed.objects, { limit: AT_ONCE, signal: deps.signal }, ({ key }) => proved(key)));
  const segments = listed.objects.filter(({ key }) => key.startsWith(LEDGER_PREFIX) || key === LAKE_MARKER).map(({ key }) => key)
  let brought = 0
  for await (const isNew of mapConcurrent(segments, { limit: AT_ONCE, signal: deps.signal }, (key) =>
    bringBack(lake, key, proved, deps.dryRun),
  ))
    if (isNew) brought++
  const outcomes: RestoreOutcome[] = []
  for (const { root, version } of listed.tables) {
    deps.signal.throwIfAborted()
    const metadata = parseMetadata(await proved(metadataKey(root, version)), metadataKey(root, version))
    // Names of manifests and lists are never used again: one with other bytes is damaged, whatever the table has become since.
    const damaged = await damagedKeys(lake, root, listed)
    if (!deps.dryRun) for (const key of damaged) await lake.put(key, await proved(key))
    const { newest, reason } = await stateOf(lake, root, metadata)
    if (reason !== undefined && !deps.dryRun) {
      const keys = listed.objects.map(({ key }) => key).filter((key) => key.startsWith(`${root}/metadata/`) && key.endsWith('.avro'))
      // Never reuses a version number: external catalogs would take the new version for the former one.
      const next = Math.max(newest, version) + 1
      const moved = await rebase(lake, root, metadata, listed.lake, keys, proved)
      await lake.put(metadataKey(root, next), printMetadata(moved), { ifAbsent: true })
      await publishHint(lake, root, next)
    }
    outcomes.push({
      table: tableName(root),
      restored: reason !== undefined || damaged.length > 0,
      reason:
        reason ??
        (damaged.length > 0
          ? `${damaged.length} metadata files were damaged, such as ${damaged[0]}`
          : 'the table exists and is not older than the backup'),
    })
  }
  return { madeAt: listed.madeAt, outcomes, segments: brought }
}

async function bringBack(lake: ObjectStore, key: string, proved: (key: string) => Promise<Uint8Array>, dryRun: boolean): Promise<boolean> {
  const bytes = await proved(key)
  const held = await found(lake.get(key))
  // Segments and the marker never change: one that differs is damaged.
  if (held !== undefined && digestOf(held) === digestOf(bytes)) return false
  if (!dryRun) await lake.put(key, bytes)
  return true
}

/** The manifests and lists of a table that the lake holds with other bytes than the backup. */
async function damagedKeys(lake: ObjectStore, root: string, { lake: address, objects }: z.infer<typeof index>): Promise<string[]> {
  // At another address the paths inside differ, and with them the names.
  if (address !== lake.url) return []
  const damaged: string[] = []
  for (const { key, sha256 } of objects) {
    if (!key.startsWith(`${root}/metadata/`) || !key.endsWith('.avro')) continue
    const held = await found(lake.get(key))
    if (held !== undefined && digestOf(held) !== sha256) damaged.push(key)
  }
  return damaged
}

/** The number of the newest version in the lake, and the reason to restore the table, if any. */
async function stateOf(lake: ObjectStore, root: string, backedUp: TableMetadata): Promise<{ newest: number; reason: string | undefined }> {
  let newest = 0
  for await (const { key } of lake.list(`${root}/metadata/v`)) newest = Math.max(newest, versionIn(key) ?? 0)
  try {
    const table = await loadTable(lake, root)
    if (table === undefined) return { newest, reason: 'the table does not exist' }
    for (const snapshot of table.metadata.snapshots) for (const line of await manifestsOf(table, snapshot)) await entriesOf(table, line)
    // Version numbers do not help, because a restored table began again. The sequence number of the last commit does.
    const isOlder = table.metadata['last-sequence-number'] < backedUp['last-sequence-number']
    return { newest, reason: isOlder ? 'the table is older than the backup' : undefined }
  } catch (error) {
    const { code, message } = asLakehouseError(error)
    // A failing store, or a table with an unsupported feature, is not damage.
    if (code !== 'TABLE_CORRUPT' && code !== 'OBJECT_NOT_FOUND') throw error
    return { newest, reason: `the table cannot be read: ${message}` }
  }
}

/** The folder of the backup itself, or the newest in a folder of several. */
async function backupFolder(from: ObjectStore): Promise<string> {
  if ((await from.head(INDEX)) !== undefined) return ''
  const newest = await newestFolder(from)
  if (newest === undefined)
    throw new LakehouseError(
      'OBJECT_NOT_FOUND',
      `${from.url} does not hold a backup: check the address, or make a backup with \`backup\``,
      { details: { place: from.url } },
    )
  return `${newest}/`
}
