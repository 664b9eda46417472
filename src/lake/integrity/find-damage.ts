import * as z from 'zod'
import { asLakehouseError } from '../../core/errors.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { objectKey, ownerOf } from '../../sources/objects.ts'
import { type Problem, problemOf } from '../../storage/digests.ts'
import { found } from '../../storage/object-store.ts'
import { fileNameOf } from '../iceberg/partition-folder.ts'
import type { Lake } from '../lake.ts'
import { bronzeKey, LAKE_MARKER, type Layer, LEDGER_PREFIX, quarantinedObjectKey, revisionKey } from '../layout.ts'
import type { LedgerFold } from '../ledger/fold.ts'
import { segmentDigest, segmentKeys } from '../ledger/segments.ts'
import { isMarkerDamaged } from '../marker.ts'
import { hasChanged } from '../own-digest.ts'
import { everyTable } from '../tables/list-tables.ts'
import { everyRow } from '../tables/scan-sql.ts'
import { unlessUnreadable } from '../tables/unreadable.ts'
import { DamageSearch } from './damage.ts'
import { findTableDamage } from './table-damage.ts'

/** The name of the file that describes a raw object ends so. */
const SIDECAR = '.metadata.json'

/** Raw objects that are read at the same time. */
const READ_AT_ONCE = 4

/** Compares every file of a lake, or of one table, with what is recorded of it, and reads every byte for that. */
export async function findDamage(lake: Lake, root: string | undefined): Promise<DamageSearch> {
  const search = new DamageSearch(lake)
  if (root !== undefined) {
    await findTableDamage(search, root)
    return search
  }
  await findMarkerDamage(search)
  await findSegmentDamage(search)
  // Tables come first, because some of them say which other files there are.
  for (const table of await everyTable(lake.store)) await findTableDamage(search, table)
  await findAnswerDamage(search, lake)
  await findStoredDamage(search)
  await using fold = await readableLedger(lake)
  await findQuarantineDamage(search, lake, fold)
  if (fold !== undefined) await findLostEvents(search, lake, fold)
  if (fold !== undefined) await findObjectDamage(search, lake, fold)
  return search
}

async function findMarkerDamage(search: DamageSearch): Promise<void> {
  search.count({ digest: 'own' })
  if (await isMarkerDamaged(search.store))
    search.add({ key: LAKE_MARKER, kind: 'marker', table: 'lake', problem: 'bytes', digest: undefined, isCurrent: true })
}

/** The segments of a run are numbered, so that a missing one before the last is noticed. */
async function findSegmentDamage(search: DamageSearch): Promise<void> {
  const numbers = new Map<string, Set<number>>()
  for (const key of await segmentKeys(search.store)) {
    const digest = segmentDigest(key)
    search.count({ digest })
    const problem = await problemOf(search.store, key, { digest })
    if (problem !== undefined) search.add({ key, kind: 'ledger segment', table: 'bronze.ledger', problem, digest, isCurrent: true })
    const [, run = '', number = ''] = /([^/]+?)-(\d+)(?:-[0-9a-f]{32})?\.ndjson$/.exec(key) ?? []
    numbers.set(run, (numbers.get(run) ?? new Set()).add(Number(number)))
  }
  for (const [run, held] of numbers)
    for (let number = 0; number < Math.max(...held); number++)
      if (!held.has(number))
        search.add({
          key: `${LEDGER_PREFIX}${run}-${number}`,
          kind: 'ledger segment',
          table: 'bronze.ledger',
          problem: 'missing',
          digest: undefined,
          isCurrent: true,
        })
}

/** Undefined when the ledger is damaged: its segments have been reported. */
async function readableLedger(lake: Lake): Promise<LedgerFold | undefined> {
  try {
    return await lake.readLedger()
  } catch (error) {
    if (asLakehouseError(error).code === 'LEDGER_CORRUPT') return undefined
    throw error
  }
}

type LedgerRow = {
  readonly key: string
  readonly sha256: string
  readonly status: string
  readonly published: string | null
}

/** Compares the objects that the ledger knows in bronze: current ones, with their checksum files, and former revisions. */
async function findObjectDamage(search: DamageSearch, { session }: Lake, fold: LedgerFold): Promise<void> {
  const rows = await session.rows(
    `SELECT key, sha256, status, published_sha256 AS published FROM (${fold.revisions}) WHERE size IS NOT NULL ORDER BY key, sha256`,
  )
  const known = rows.map((row): LedgerRow => {
    const published = row['published'] === null ? null : String(row['published'])
    return {
      key: String(row['key']),
      sha256: String(row['sha256']),
      status: String(row['status']),
      published,
    }
  })
  for await (const _ of mapConcurrent(known, { limit: READ_AT_ONCE, signal: search.signal }, (row) => compareObject(search, row)));
}

/** The table bronze.objects is the state of the ledger at some time. What it knows and the ledger does not was in a segment that is gone. */
async function findLostEvents(search: DamageSearch, lake: Lake, fold: LedgerFold): Promise<void> {
  const known = await rowsOf(search, lake, 'bronze', 'objects')
  if (known === undefined) return
  const [lost] =
    await lake.session.rows(`SELECT count(*)::INT AS n, min(t.key) AS key FROM (${known}) t LEFT JOIN (${fold.revisions}) f USING (key, sha256)
    WHERE f.status IS NULL OR (t.rows IS NOT NULL AND f.rows IS NULL) OR (t.published_sha256 IS NOT NULL AND f.published_sha256 IS NULL)`)
  if (Number(lost?.['n']) === 0) return
  const key = `${LEDGER_PREFIX} (events about ${lost?.['n']} objects, such as ${lost?.['key']})`
  search.add({ key, kind: 'ledger segment', table: 'bronze.ledger', problem: 'missing', digest: undefined, isCurrent: true })
}

async function compareObject(search: DamageSearch, { key, sha256, status, published }: LedgerRow): Promise<void> {
  const [kind, place] =
    status === 'superseded' ? (['revision', revisionKey(sha256, key)] as const) : (['raw object', bronzeKey(key)] as const)
  const isCurrent = kind === 'raw object'
  search.count({ digest: sha256 })
  const problem = await problemOf(search.store, place, { digest: sha256 })
  if (problem !== undefined) search.add({ key: place, kind, table: 'bronze.objects', problem, digest: sha256, isCurrent, object: key })
  if (isCurrent && published !== null) await compareChecksumFile(search, key, published)
}

async function compareChecksumFile(search: DamageSearch, key: string, published: string): Promise<void> {
  const { source, archiveKey } = ownerOf(key)
  const place = bronzeKey(objectKey(source, source.archive.checksumKey(archiveKey)))
  const bytes = await found(search.store.get(place))
  search.count({ digest: published })
  const says = bytes === undefined ? undefined : readChecksum(() => source.archive.parseChecksum(bytes, fileNameOf(key)))
  if (says === published) return
  const problem = bytes === undefined ? 'missing' : 'bytes'
  search.add({
    key: place,
    kind: 'checksum file',
    table: 'bronze.objects',
    problem,
    digest: undefined,
    isCurrent: true,
    object: key,
    published,
  })
}

function readChecksum(parse: () => string): string | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

/** Raw objects that programs have stored have a file beside them with their digest, which ends with its own. */
async function findStoredDamage(search: DamageSearch): Promise<void> {
  const { store } = search
  const add = (key: string, problem: Problem, digest?: string) =>
    search.add({ key, kind: 'raw object', table: 'bronze.raw', problem, digest, isCurrent: true })
  const keys = new Set<string>()
  for await (const { key } of store.list('bronze/raw/')) keys.add(key)
  for (const key of keys) {
    if (!key.endsWith(SIDECAR)) {
      if (!keys.has(key + SIDECAR)) add(key + SIDECAR, 'missing')
      continue
    }
    const digest = storedDigest(Buffer.from(await store.get(key)).toString('utf8'))
    search.count({ digest })
    if (digest === undefined) add(key, 'bytes')
    const object = key.slice(0, -SIDECAR.length)
    const problem = digest === undefined ? undefined : await problemOf(store, object, { digest })
    if (problem !== undefined) add(object, problem, digest)
  }
}

/** Undefined when the text is damaged. */
function storedDigest(text: string): string | undefined {
  try {
    return hasChanged(text) === true ? undefined : z.object({ sha256: z.string() }).parse(JSON.parse(text)).sha256
  } catch {
    return undefined
  }
}

/** Objects that were set aside because of their bytes are in folders with the names of their digests. */
async function findQuarantineDamage(search: DamageSearch, { session }: Lake, fold: LedgerFold | undefined): Promise<void> {
  const { store } = search
  const wanted = new Map<string, string>()
  for await (const { key } of store.list('quarantine/objects/')) {
    const digest = /^quarantine\/objects\/([0-9a-f]{64})\//.exec(key)?.[1]
    if (digest !== undefined && !key.endsWith('.reason.json')) wanted.set(key, digest)
  }
  const landed =
    fold === undefined
      ? []
      : await session.rows(`SELECT DISTINCT key, sha256 FROM ${fold.events} WHERE event = 'quarantined' AND stage = 'land'`)
  for (const { key, sha256 } of landed) wanted.set(quarantinedObjectKey(String(sha256), String(key)), String(sha256))
  for (const [key, digest] of wanted) {
    search.count({ digest })
    const problem = await problemOf(store, key, { digest })
    if (problem !== undefined) search.add({ key, kind: 'quarantined object', table: 'bronze.objects', problem, digest, isCurrent: false })
  }
}

/** Answers of exchanges are named by their content. The table of answers says which ones there are. */
async function findAnswerDamage(search: DamageSearch, lake: Lake): Promise<void> {
  const { store } = search
  const keys = new Set<string>()
  for (const exchange of await store.folders('bronze/'))
    for await (const { key } of store.list(`bronze/${exchange}/exchange-info/`)) keys.add(key)
  const known = await rowsOf(search, lake, 'silver', 'exchange_info')
  if (known !== undefined)
    for (const { key } of await lake.session.rows(`SELECT DISTINCT source_object AS key FROM (${known})`)) keys.add(String(key))
  for (const key of keys) {
    const digest = /-([0-9a-f]{12})\.json$/.exec(key)?.[1]
    search.count({ digest })
    const problem = await problemOf(store, key, { digest })
    if (problem !== undefined) search.add({ key, kind: 'exchange answer', table: 'silver.exchange_info', problem, digest, isCurrent: true })
  }
}

/** SQL of the rows of a table; undefined if it does not exist or was found damaged. */
async function rowsOf({ damages }: DamageSearch, lake: Lake, layer: Layer, name: string): Promise<string | undefined> {
  if (damages.some(({ table, kind }) => table === `${layer}.${name}` && kind !== 'table card')) return undefined
  return await unlessUnreadable(async () => {
    const table = await lake.findTable(layer, name)
    return table === undefined ? undefined : await everyRow(lake.session, table)
  })
}
