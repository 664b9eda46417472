import { LakehouseError } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import { found, type ObjectStore } from '../../storage/object-store.ts'
import { readNamed } from './content-names.ts'
import { type DataFile, decodeManifest, type ManifestEntry, partitionTypes, type SnapshotId, type Wanted } from './manifest.ts'
import { decodeManifestList, type ManifestLine } from './manifest-list.ts'
import { manifestShapeOf, parseMetadata, type Snapshot, sameId, shapeOf, type TableMetadata } from './metadata.ts'
import type { TableShape } from './schema.ts'

/** A table at one version of its metadata. `root` is its key within the lake. */
export type Table = {
  readonly store: ObjectStore
  readonly root: string
  readonly version: number
  readonly metadata: TableMetadata
  readonly shape: TableShape
}

export function metadataKey(root: string, version: number): string {
  return `${root}/metadata/v${version}.metadata.json`
}

/** The version number in the key or URL of a metadata file, or undefined for any other file. */
export function versionIn(location: string): number | undefined {
  const digits = /\/v(\d+)\.metadata\.json$/.exec(location)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

export function hintKey(root: string): string {
  return `${root}/metadata/version-hint.text`
}

/** The URL of an object of the lake, as metadata writes it. */
export function urlOf(store: ObjectStore, key: string): string {
  return `${store.url}/${key}`
}

/** Other writers write file:/path or /path for file:///path, and s3a:// for s3://. */
export function plainUrl(url: string): string {
  return url.replace(/^(file:)?\/+/, 'file:///').replace(/^s3[an]:/, 's3:')
}

/** Where the tables of a store were before the lake was moved or copied, as their metadata says: what they name there is here now. */
const formerBases = new WeakMap<ObjectStore, Set<string>>()

/** The address of the lake that wrote a table's metadata, or undefined for a table that lay in another folder of its lake. */
export function baseOf({ root, metadata }: Pick<Table, 'root' | 'metadata'>): string | undefined {
  const location = plainUrl(metadata.location).replace(/\/+$/, '')
  return location.endsWith(`/${root}`) ? location.slice(0, -root.length - 1) : undefined
}

function rememberBase(table: Table): Table {
  const base = baseOf(table)
  if (base === undefined || base === table.store.url) return table
  const known = formerBases.get(table.store) ?? new Set()
  formerBases.set(table.store, known.add(base))
  return table
}

/** The key of an object that metadata names by `url`. Throws TABLE_UNSUPPORTED when the object is outside the lake. */
export function keyOf(store: ObjectStore, url: string): string {
  const plain = plainUrl(url)
  const base = [store.url, ...(formerBases.get(store) ?? [])].map((one) => `${one}/`).find((one) => plain.startsWith(one))
  if (base === undefined)
    throw new LakehouseError(
      'TABLE_UNSUPPORTED',
      `${url} is outside the lake ${store.url}: run \`lake relocate\` if the lake was moved, or copy the file into the lake`,
      { details: { url } },
    )
  const key = plain.slice(base.length)
  return store.capabilities.localFiles ? normalised(key, url) : key
}

/** Other spellings of one path: a//b, a/./b, a/x/../b. Throws TABLE_UNSUPPORTED when it leaves the lake. */
function normalised(key: string, url: string): string {
  if (!/(^|\/)(\.{0,2})(\/|$)/.test(key)) return key
  const parts: string[] = []
  for (const part of key.split('/')) {
    if (part === '..' && parts.pop() === undefined)
      throw new LakehouseError('TABLE_UNSUPPORTED', `${url} is outside the lake`, { details: { url } })
    if (part !== '' && part !== '.' && part !== '..') parts.push(part)
  }
  return parts.join('/')
}

/** The newest version of a table, or undefined when the table does not exist. The hint may be outdated, so later versions are searched for. */
export async function loadTable(store: ObjectStore, root: string): Promise<Table | undefined> {
  // A version and the next one are requested at the same time, because every answer of a bucket takes time.
  const heads = (from: number) => Promise.all([store.head(metadataKey(root, from)), store.head(metadataKey(root, from + 1))])
  let version = await readHint(store, root)
  let [info, next] = version === undefined ? [] : await heads(version)
  if (info === undefined) {
    version = await listedVersion(store, root)
    if (version === undefined) return undefined
    ;[info, next] = await heads(version)
  }
  while (next !== undefined) {
    version = (version ?? 0) + 1
    info = next
    next = await store.head(metadataKey(root, version + 1))
  }
  const key = metadataKey(root, version ?? 0)
  const name = `${store.url}/${key} ${info?.etag}`
  const known = parsed.get(name)
  const metadata = known ?? parseMetadata(await store.get(key), key)
  if (known === undefined) {
    parsed.set(name, metadata)
    if (parsed.size > PARSED_MOST) for (const oldest of [...parsed.keys()].slice(0, PARSED_MOST / 2)) parsed.delete(oldest)
  }
  return rememberBase({ store, root, version: version ?? 0, metadata, shape: shapeOf(metadata, key) })
}

/** The table itself. Throws TABLE_NOT_FOUND for undefined. */
export function required(table: Table | undefined, root: string): Table {
  if (table === undefined)
    throw new LakehouseError('TABLE_NOT_FOUND', `table ${root} does not exist: see \`status\``, { details: { table: root } })
  return table
}

/** A version of the metadata never changes, so the last versions that were read are cached. */
const parsed = new Map<string, TableMetadata>()
const PARSED_MOST = 100

/** The version in the hint, or undefined when the hint is missing or not a number. */
export async function hintedVersion(store: ObjectStore, root: string): Promise<number | undefined> {
  const hinted = await readHint(store, root)
  return hinted !== undefined && (await store.head(metadataKey(root, hinted))) !== undefined ? hinted : undefined
}

async function readHint(store: ObjectStore, root: string): Promise<number | undefined> {
  const text = await found(store.get(hintKey(root)))
  const hinted = text === undefined ? Number.NaN : Number(Buffer.from(text).toString('utf8'))
  return Number.isInteger(hinted) ? hinted : undefined
}

async function listedVersion(store: ObjectStore, root: string): Promise<number | undefined> {
  let newest: number | undefined
  for await (const { key } of store.list(`${root}/metadata/v`)) {
    const version = versionIn(key)
    if (version !== undefined) newest = Math.max(newest ?? 0, version)
  }
  return newest
}

/** A state of a table: a snapshot id, a tag, or the newest snapshot at or before an instant (milliseconds). */
export type AsOf = { readonly snapshot: SnapshotId | string } | { readonly tag: string } | { readonly timeMs: number }

/** The snapshot that `asOf` names, or the current one; undefined for a table without snapshots. Throws SNAPSHOT_NOT_FOUND. */
export function snapshotOf(table: Table, asOf: AsOf | undefined): Snapshot | undefined {
  const { snapshots, refs } = table.metadata
  const byId = (id: SnapshotId | string | undefined) => snapshots.find((snapshot) => sameId(snapshot['snapshot-id'], id))
  if (asOf === undefined) return byId(table.metadata['current-snapshot-id'])
  const found =
    'snapshot' in asOf
      ? byId(asOf.snapshot)
      : 'tag' in asOf
        ? byId(refs[asOf.tag]?.['snapshot-id'])
        : currentAt(table.metadata, asOf.timeMs)
  if (found === undefined)
    throw new LakehouseError(
      'SNAPSHOT_NOT_FOUND',
      `${table.root} does not have a snapshot for ${Object.values(asOf)[0]}: its newest snapshots are ${listSnapshots(snapshots)}; see \`tables snapshots\``,
      {
        details: { table: table.root, asOf: String(Object.values(asOf)[0]) },
      },
    )
  return found
}

/** The snapshot that was current at a time. Snapshots of other branches and rolled-back ones do not count. */
function currentAt({ snapshots, 'snapshot-log': log }: TableMetadata, timeMs: number): Snapshot | undefined {
  if (log.length === 0) return snapshots.findLast((snapshot) => snapshot['timestamp-ms'] <= timeMs)
  const entry = log.findLast((one) => one['timestamp-ms'] <= timeMs)
  return snapshots.find((snapshot) => sameId(snapshot['snapshot-id'], entry?.['snapshot-id']))
}

/** The newest snapshots, by id and time. */
function listSnapshots(snapshots: readonly Snapshot[]): string {
  const told = snapshots.slice(-5).map((snapshot) => `${snapshot['snapshot-id']} (${formatInstant(snapshot['timestamp-ms'] * 1000)})`)
  return told.length === 0 ? 'none' : `${snapshots.length > told.length ? '… ' : ''}${told.join(', ')}`
}

/** The shape to read a snapshot with: its own schema, which the table may have changed since. */
export function shapeAt(table: Table, snapshot: Snapshot | undefined): TableShape {
  return snapshot === undefined ? table.shape : shapeOf(table.metadata, table.root, snapshot['schema-id'])
}

/** The manifests of a snapshot. */
export async function manifestsOf(table: Table, snapshot: Snapshot): Promise<ManifestLine[]> {
  const key = keyOf(table.store, snapshot['manifest-list'])
  return decodeManifestList(await readNamed(table.store, key), key, (specId) =>
    partitionTypes(manifestShapeOf(table.metadata, specId, table.root)),
  )
}

/** The entries of a manifest. */
export async function entriesOf(table: Table, line: ManifestLine, wanted: Wanted = 'everything'): Promise<readonly ManifestEntry[]> {
  const key = keyOf(table.store, line.path)
  const inherit = { snapshotId: line.snapshotId, sequence: line.sequence }
  return decodeManifest(manifestShapeOf(table.metadata, line.specId, table.root), await readNamed(table.store, key), key, inherit, wanted)
}

/** Manifests never change, so the decoded parts that plans need are cached, up to this many files in total. */
const CACHED_FILES = 200_000
const cache = new Map<string, readonly ManifestEntry[]>()
let cachedFiles = 0

/** The entries of a manifest, with the bounds of some columns only. Plans need no more, and decoding is many times faster. The result is cached. */
export async function plannedEntries(table: Table, line: ManifestLine, columns: ReadonlySet<number>): Promise<readonly ManifestEntry[]> {
  const name = `${line.path}#${table.metadata['current-schema-id']}#${[...columns].sort((a, b) => a - b).join(',')}`
  const known = cache.get(name)
  if (known !== undefined) {
    cache.delete(name)
    cache.set(name, known)
    return known
  }
  const entries = await entriesOf(table, line, columns)
  cache.set(name, entries)
  cachedFiles += entries.length
  for (const [oldest, { length }] of cache) {
    if (cachedFiles <= CACHED_FILES || oldest === name) break
    cache.delete(oldest)
    cachedFiles -= length
  }
  return entries
}

/** The data files of the current snapshot, in manifest order. */
export async function currentFiles(table: Table): Promise<DataFile[]> {
  const files: DataFile[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) files.push(file)
  return files
}

/** The data files of a snapshot, in manifest order. */
export async function* liveFiles(table: Table, snapshot: Snapshot | undefined): AsyncGenerator<DataFile> {
  if (snapshot === undefined) return
  for (const line of await manifestsOf(table, snapshot)) {
    for (const entry of await entriesOf(table, line)) if (entry.status !== 'deleted') yield entry.file
  }
}
