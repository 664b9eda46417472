import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { found, type ObjectStore } from '../storage/object-store.ts'
import { LAKE_FORMAT, LAKE_MARKER, LEDGER_PREFIX } from './layout.ts'
import { hasChanged, withOwnDigest } from './own-digest.ts'

const marker = z.object({ format: z.number().int() })

export async function writeMarker(store: ObjectStore): Promise<void> {
  await store.put(LAKE_MARKER, withOwnDigest(JSON.stringify({ format: LAKE_FORMAT }, undefined, 1)))
}

/** The format of a lake, or undefined when the marker is damaged. Throws OBJECT_NOT_FOUND. */
async function readFormat(store: ObjectStore): Promise<number | undefined> {
  const text = Buffer.from(await store.get(LAKE_MARKER)).toString('utf8')
  try {
    return hasChanged(text) === true ? undefined : marker.parse(JSON.parse(text)).format
  } catch {
    return undefined
  }
}

/** Throws OBJECT_NOT_FOUND, LAKE_FORMAT_UNSUPPORTED. */
export async function checkFormat(store: ObjectStore): Promise<true> {
  const format = await readFormat(store)
  if (format === LAKE_FORMAT) return true
  const what =
    format === undefined
      ? `is damaged: run \`lake repair\``
      : `has the format ${format}, but this version reads format ${LAKE_FORMAT}: use a matching version of the program`
  throw new LakehouseError('LAKE_FORMAT_UNSUPPORTED', `${store.url}/${LAKE_MARKER} ${what}`, { details: { lake: store.url } })
}

/** Whether the marker of a lake is missing or damaged. Without a marker, a ledger shows that a lake is there. */
export async function isMarkerDamaged(store: ObjectStore): Promise<boolean> {
  const format = await found(readFormat(store).then((known) => ({ known })))
  if (format !== undefined) return format.known === undefined
  for await (const { key } of store.list(LEDGER_PREFIX)) if (key.endsWith('.ndjson')) return true
  return false
}
