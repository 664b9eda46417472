import { LakehouseError } from '../../core/errors.ts'
import { newestFolder } from '../../lake/backup/folders.ts'
import type { Damage } from '../../lake/integrity/damage.ts'
import { LAKE_MARKER, LEDGER_PREFIX } from '../../lake/layout.ts'
import { segmentDigest } from '../../lake/ledger/segments.ts'
import { hasChanged } from '../../lake/own-digest.ts'
import { problemOf } from '../../storage/digests.ts'
import { found, type ObjectStore } from '../../storage/object-store.ts'

/** Where right bytes may be: a backup, or a copy of the whole lake as `sync` makes it. `folder` ends with a slash or is empty. */
export type Copies = { readonly store: ObjectStore; readonly folder: string; readonly isBackup: boolean }

/** Throws OBJECT_NOT_FOUND when the address holds neither. */
export async function openCopies(store: ObjectStore): Promise<Copies> {
  const isBackup = (await store.head('backup.json')) !== undefined
  if (isBackup || (await store.head(LAKE_MARKER)) !== undefined) return { store, folder: '', isBackup }
  const newest = await newestFolder(store)
  if (newest !== undefined) return { store, folder: `${newest}/`, isBackup: true }
  throw new LakehouseError('OBJECT_NOT_FOUND', `${store.url} holds neither a backup nor a copy of a lake: check the address after --from`, {
    details: { place: store.url },
  })
}

/** Brings a file from the copies, if they have it with the recorded digest, or as whole as its own digest says. */
export async function bringFrom({ store, folder }: Copies, lake: ObjectStore, { key, digest }: Damage): Promise<boolean> {
  if (digest === undefined) return await bringJson(store, folder + key, lake, key)
  if ((await problemOf(store, folder + key, { digest })) !== undefined) return false
  await lake.put(key, store.stream(folder + key))
  return (await problemOf(lake, key, { digest })) === undefined
}

/** Brings the segments of the ledger that the lake does not have, if they are whole. Returns their number. */
export async function bringSegments({ store, folder }: Copies, lake: ObjectStore): Promise<number> {
  let brought = 0
  for await (const { key: held } of store.list(folder + LEDGER_PREFIX)) {
    const key = held.slice(folder.length)
    const digest = segmentDigest(key)
    if (digest === undefined || (await lake.head(key)) !== undefined || (await problemOf(store, held, { digest })) !== undefined) continue
    await lake.put(key, store.stream(held))
    brought++
  }
  return brought
}

/** Metadata must be of the table at this address. */
async function bringJson(from: ObjectStore, held: string, lake: ObjectStore, key: string): Promise<boolean> {
  const bytes = key.endsWith('.json') ? await found(from.get(held)) : undefined
  const text = Buffer.from(bytes ?? []).toString('utf8')
  if (bytes === undefined || hasChanged(text) !== false) return false
  const isMetadata = key.endsWith('.metadata.json') && key.includes('/metadata/v')
  if (isMetadata && !text.includes(`"location": ${JSON.stringify(`${lake.url}/${key.slice(0, key.indexOf('/metadata/'))}`)}`)) return false
  await lake.put(key, bytes)
  return true
}
