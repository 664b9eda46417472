import { LakehouseError } from '../../core/errors.ts'
import { digestOf } from '../../storage/digests.ts'
import type { ObjectStore } from '../../storage/object-store.ts'

// Manifests and manifest lists are named by their content, so that their names prove their bytes.

const DIGITS = 32

export function manifestKey(root: string, bytes: Uint8Array): string {
  return `${root}/metadata/${contentName(bytes)}-m.avro`
}

export function manifestListKey(root: string, snapshotId: number | bigint, bytes: Uint8Array): string {
  return `${root}/metadata/snap-${snapshotId}-${contentName(bytes)}.avro`
}

function contentName(bytes: Uint8Array): string {
  return digestOf(bytes).slice(0, DIGITS)
}

/** The beginning of the SHA-256 that the name of a manifest or list gives, or undefined for the name of another writer. */
export function namedDigest(key: string): string | undefined {
  return /\/(?:([0-9a-f]{32})-m|snap-\d+-([0-9a-f]{32}))\.avro$/
    .exec(key)
    ?.slice(1)
    .find((digits) => digits !== undefined)
}

/** The bytes of a manifest or list, compared with its name. Throws OBJECT_NOT_FOUND, TABLE_CORRUPT. */
export async function readNamed(store: ObjectStore, key: string): Promise<Uint8Array> {
  const bytes = await store.get(key)
  const digest = namedDigest(key)
  if (digest === undefined || digest === contentName(bytes)) return bytes
  throw new LakehouseError('TABLE_CORRUPT', `${key} is damaged: its bytes do not fit its name; restore it from a backup with \`restore\``, {
    details: { key },
  })
}
