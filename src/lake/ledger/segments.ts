import { LakehouseError } from '../../core/errors.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { digestOf, digestOfFile } from '../../storage/digests.ts'
import { type ObjectStore, openAll } from '../../storage/object-store.ts'
import { LEDGER_PREFIX } from '../layout.ts'

/** The key of a segment. Its name ends with the beginning of the SHA-256 of its bytes, so that damage is noticed. */
export function segmentKey(run: string, number: number, bytes: Uint8Array): string {
  return `${LEDGER_PREFIX}${run}-${number}-${digestOf(bytes).slice(0, 32)}.ndjson`
}

/** Segments that are hashed at the same time. */
const HASHED_AT_ONCE = 8

/** The keys of all segments, in order. */
export async function segmentKeys(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(LEDGER_PREFIX)) if (key.endsWith('.ndjson')) keys.push(key)
  return keys
}

/** The beginning of the SHA-256 that the name of a segment gives, or undefined for a segment of the first version. */
export function segmentDigest(key: string): string | undefined {
  return /-([0-9a-f]{32})\.ndjson$/.exec(key)?.[1]
}

/** The files of all segments, compared with their names. Throws LEDGER_CORRUPT. */
export async function openSegments(store: ObjectStore): Promise<string[]> {
  const keys = await segmentKeys(store)
  const files = await openAll(store, keys)
  const compare = async (key: string, index: number) => {
    const digest = segmentDigest(key)
    if (digest !== undefined && !(await digestOfFile(files[index] ?? '')).startsWith(digest))
      throw new LakehouseError('LEDGER_CORRUPT', `${key} is damaged: its bytes do not fit its name; run \`restore\` with a backup`, {
        details: { key },
      })
  }
  let index = 0
  for await (const _ of mapConcurrent(keys, { limit: HASHED_AT_ONCE }, (key) => compare(key, index++)));
  return files
}
