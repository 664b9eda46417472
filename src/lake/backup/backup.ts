import { createHash } from 'node:crypto'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { publishHint } from '../iceberg/commit.ts'
import { parseMetadata, printMetadata, type TableMetadata } from '../iceberg/metadata.ts'
import { keyOf, loadTable, manifestsOf, metadataKey, type Table, versionIn } from '../iceberg/table.ts'
import { LAKE_MARKER, LEDGER_PREFIX, RUNS_PREFIX, tableName } from '../layout.ts'
import { everyTable } from '../tables/list-tables.ts'
import { rebase } from './rebase.ts'

/** Says that a backup is whole, and what it holds; written last. */
const INDEX = 'backup.json'

const index = z.object({
  lake: z.string(),
  madeAt: z.string(),
  tables: z.array(z.object({ root: z.string(), version: z.number() })),
  objects: z.array(z.object({ key: z.string(), size: z.number(), sha256: z.string() })),
})

const AT_ONCE = 16

type BackupCounts = { readonly objects: number; readonly bytes: number; readonly tables: number }

/** The key of a backup's folder, and what is in it. */
export type Backup = { readonly folder: string; readonly counts: BackupCounts }

/**
 * Copies what tells where everything is, the tables' metadata and the ledger, to a folder of another place named by the time, and reads every copy back. Data files and bronze are not
 * in it: `sync` copies them. Returns the folder's key. A backup without its index is none. Throws CHECKSUM_MISMATCH when a copy reads otherwise.
 */
export async function backUp(
  lake: ObjectStore,
  to: ObjectStore,
  { nowMs, signal }: { nowMs: () => number; signal: AbortSignal },
): Promise<Backup> {
  const madeAt = new Date(nowMs()).toISOString()
  const folder = madeAt.replaceAll(/[-:.]/g, '')
  const tables: { root: string; version: number }[] = []
  const keys = [LAKE_MARKER]
  for (const root of await everyTable(lake)) {
    const table = await loadTable(lake, root)
    if (table === undefined) continue
    tables.push({ root, version: table.version })
    keys.push(...(await metadataKeys(table)))
  }
  for await (const { key } of lake.list(LEDGER_PREFIX)) if (!key.startsWith(RUNS_PREFIX)) keys.push(key)
  const objects: z.infer<typeof index>['objects'] = []
  for await (const one of mapConcurrent(keys, { limit: AT_ONCE, signal }, (key) => copyProved(lake, key, to, `${folder}/${key}`)))
    objects.push(one)
  objects.sort((a, b) => (a.key < b.key ? -1 : 1))
  await to.put(`${folder}/${INDEX}`, Buffer.from(`${JSON.stringify({ lake: lake.url, madeAt, tables, objects }, undefined, 1)}\n`))
  return { folder, counts: { objects: objects.length, bytes: objects.reduce((sum, { size }) => sum + size, 0), tables: tables.length } }
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
    throw new LakehouseError('CHECKSUM_MISMATCH', `${to.url}/${target} does not read as it was written`, { details: { key: target } })
  return { key, size: bytes.length, sha256 }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

type RestoreOutcome = { readonly table: string; readonly restored: boolean; readonly reason: string }

/** What was brought back from the backup of a time; `segments` are parts of the ledger. */
export type Restoration = { readonly madeAt: string; readonly outcomes: RestoreOutcome[]; readonly segments: number }

/**
 * Brings back from a backup the ledger segments that the lake lacks and the tables that it lacks, that cannot be read, or that are older; others stay as they are. A table comes back as its next
 * version; where the lake lies elsewhere than it did, paths are rewritten. Every object is compared with its digest first. Throws OBJECT_NOT_FOUND, CHECKSUM_MISMATCH.
 */
export async function restore(lake: ObjectStore, from: ObjectStore, deps: { signal: AbortSignal; dryRun: boolean }): Promise<Restoration> {
  const folder = await backupFolder(from)
  const found = index.parse(JSON.parse(Buffer.from(await from.get(`${folder}${INDEX}`)).toString('utf8')))
  const proved = async (key: string) => {
    const bytes = await from.get(folder + key)
    const expected = found.objects.find((one) => one.key === key)?.sha256
    if (digestOf(bytes) !== expected)
      throw new LakehouseError('CHECKSUM_MISMATCH', `${from.url}/${folder}${key} is not what was backed up`, { details: { key } })
    return bytes
  }
  const segments = found.objects.filter(({ key }) => key.startsWith(LEDGER_PREFIX) || key === LAKE_MARKER).map(({ key }) => key)
  let brought = 0
  for await (const isNew of mapConcurrent(segments, { limit: AT_ONCE, signal: deps.signal }, (key) =>
    bringBack(lake, key, proved, deps.dryRun),
  ))
    if (isNew) brought++
  const outcomes: RestoreOutcome[] = []
  for (const { root, version } of found.tables) {
    deps.signal.throwIfAborted()
    const metadata = parseMetadata(await proved(metadataKey(root, version)), metadataKey(root, version))
    const { newest, reason } = await stateOf(lake, root, metadata)
    if (reason !== undefined && !deps.dryRun) {
      const keys = found.objects.map(({ key }) => key).filter((key) => key.startsWith(`${root}/metadata/`) && key.endsWith('.avro'))
      // Never a number that the table has had: catalogs of others would take it for the former.
      const next = Math.max(newest, version) + 1
      const moved = await rebase(lake, root, metadata, found.lake, keys, proved)
      await lake.put(metadataKey(root, next), printMetadata(moved), { ifAbsent: true })
      await publishHint(lake, root, next)
    }
    outcomes.push({ table: tableName(root), restored: reason !== undefined, reason: reason ?? 'it is there, and not older' })
  }
  return { madeAt: found.madeAt, outcomes, segments: brought }
}

async function bringBack(lake: ObjectStore, key: string, proved: (key: string) => Promise<Uint8Array>, dryRun: boolean): Promise<boolean> {
  if ((await lake.head(key)) !== undefined) return false
  const bytes = await proved(key)
  if (!dryRun) await lake.put(key, bytes)
  return true
}

/** The number of the newest version in the lake, and why the table has to be restored, if it has. */
async function stateOf(lake: ObjectStore, root: string, backedUp: TableMetadata): Promise<{ newest: number; reason: string | undefined }> {
  let newest = 0
  for await (const { key } of lake.list(`${root}/metadata/v`)) newest = Math.max(newest, versionIn(key) ?? 0)
  try {
    const table = await loadTable(lake, root)
    if (table === undefined) return { newest, reason: 'it is not there' }
    for (const snapshot of table.metadata.snapshots.slice(-1)) await manifestsOf(table, snapshot)
    // Numbers of versions say nothing: a table that was restored before began again. What was committed does.
    const isOlder = table.metadata['last-sequence-number'] < backedUp['last-sequence-number']
    return { newest, reason: isOlder ? 'it is older than the backup' : undefined }
  } catch (error) {
    const { code, message } = asLakehouseError(error)
    // A store that is in trouble, or a table that others have made what we cannot read, is no damage.
    if (code !== 'TABLE_CORRUPT' && code !== 'OBJECT_NOT_FOUND') throw error
    return { newest, reason: `it cannot be read: ${message}` }
  }
}

/** The folder of the backup itself, or the newest in a folder of several. */
async function backupFolder(from: ObjectStore): Promise<string> {
  if ((await from.head(INDEX)) !== undefined) return ''
  const whole: string[] = []
  for (const name of await from.folders('')) if ((await from.head(`${name}/${INDEX}`)) !== undefined) whole.push(name)
  const newest = whole.at(-1)
  if (newest === undefined)
    throw new LakehouseError('OBJECT_NOT_FOUND', `there is no backup at ${from.url}`, { details: { place: from.url } })
  return `${newest}/`
}
