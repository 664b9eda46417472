import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { makeFolder } from '../storage/local.ts'
import { found, type ObjectStore } from '../storage/object-store.ts'
import { openPlace } from '../storage/open-store.ts'
import type { Place, StoreDeps } from '../storage/place.ts'
import { LAKE_MARKER } from './layout.ts'
import { checkFormat, writeMarker } from './marker.ts'

/**
 * Opens the lake at an address (a directory or s3://…) for writing. An empty or missing location becomes a lake. Throws LAKE_FORMAT_UNSUPPORTED, CONFIG_INVALID, and
 * STORE_UNSUPPORTED for a bucket where two writers could overwrite each other's commits.
 */
export async function openLake(address: string, deps: StoreDeps): Promise<Place> {
  return await opened(address, deps, async (place) => {
    if (place.s3 === undefined) await makeDirectory(place)
    if ((await place.store.head(LAKE_MARKER)) === undefined) {
      // Another run that creates the lake at the same time writes the marker first, so the marker is checked again.
      if ((await holdsAnything(place.store)) && (await place.store.head(LAKE_MARKER)) === undefined) {
        throw new LakehouseError(
          'LAKE_FORMAT_UNSUPPORTED',
          `cannot create a lake at ${place.address}: it has other files but not ${LAKE_MARKER}; choose an empty ${place.s3 === undefined ? 'directory' : 'prefix'}`,
          { details: { lake: place.address } },
        )
      }
      await writeMarker(place.store)
    }
    await checkFormat(place.store)
    if (place.s3 !== undefined) await requireExclusivePut(place)
  })
}

/** Opens a lake for reading. Throws LAKE_NOT_FOUND, LAKE_FORMAT_UNSUPPORTED. */
export async function openExistingLake(address: string, deps: StoreDeps): Promise<Place> {
  return await opened(address, deps, async (place) => {
    if ((await found(checkFormat(place.store))) !== undefined) return
    throw new LakehouseError('LAKE_NOT_FOUND', `${place.address} does not hold a lake: run \`ingest\` first, or check --lake`, {
      details: { lake: place.address },
    })
  })
}

async function opened(address: string, deps: StoreDeps, check: (place: Place) => Promise<void>): Promise<Place> {
  // Quarantine holds bytes that nobody has looked at.
  const place = await openPlace(address, { ...deps, isPrivate: (key) => key.startsWith('quarantine/') })
  try {
    await check(place)
    return place
  } catch (error) {
    place.close()
    throw error
  }
}

async function makeDirectory({ address, store }: Place): Promise<void> {
  const [directory = ''] = store.files.folders
  if (existsSync(directory) && !statSync(directory).isDirectory())
    throw new LakehouseError('CONFIG_INVALID', `cannot open the lake ${directory}: it is a file; choose a directory with --lake`, {
      details: { lake: address },
    })
  await makeFolder(directory).catch((error: unknown) => {
    throw new LakehouseError('CONFIG_INVALID', `cannot create the lake ${directory}: ${asLakehouseError(error).message}`, {
      details: { lake: address },
    })
  })
}

/** Names that begin with a dot do not count. */
async function holdsAnything(store: ObjectStore): Promise<boolean> {
  for await (const { key } of store.list('')) if (!key.startsWith('.')) return true
  return false
}

/** Commits require that of two writers of one object exactly one wins. A store that ignores If-None-Match must not hold a lake. */
async function requireExclusivePut({ address, store }: Place): Promise<void> {
  const key = `.probe-${randomBytes(6).toString('hex')}`
  try {
    await store.put(key, Buffer.from('first'), { ifAbsent: true })
    const second = await store.put(key, Buffer.from('second'), { ifAbsent: true }).then(
      () => 'written',
      (error: unknown) => asLakehouseError(error).code,
    )
    if (second === 'OBJECT_EXISTS') return
    throw new LakehouseError(
      'STORE_UNSUPPORTED',
      `cannot write tables to ${address}: the store ignores If-None-Match, so two writers could overwrite each other's commits; use another store`,
      { details: { lake: address } },
    )
  } finally {
    await store.delete(key).catch(() => {})
  }
}
