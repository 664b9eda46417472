import { createHash } from 'node:crypto'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts'
import type { Place } from '../../storage/place.ts'
import { headObject } from '../../storage/s3/operations.ts'
import { inBucket, type Pair } from '../pair.ts'
import { isDigest } from '../plan/compare.ts'

/** How a moved object was proved in the end. */
export type Proof = 'sha256' | 'etag' | 'size'

/** What the destination's answer told of the copy. `size` and `sha256` where it did. */
export type Written = { readonly etag: string; readonly sha256?: string | undefined }

/** Proves a copy as the pair asks. Throws CHECKSUM_MISMATCH, TRANSFER_TRUNCATED. */
export async function prove(object: ObjectInfo, pair: Pair, written: Written, published: string | undefined): Promise<Proof> {
  if (pair.verify === 'reread') {
    const expected = published ?? (await digestOf(pair.source.store, object.key))
    await compareDigests(object.key, pair, expected, await digestOf(pair.destination.store, object.key))
    return 'sha256'
  }
  if (published !== undefined) {
    await compareDigests(object.key, pair, published, written.sha256 ?? (await digestOf(pair.destination.store, object.key)))
    return 'sha256'
  }
  if (pair.verify !== 'size' && isDigest(object.etag) && isDigest(written.etag)) {
    if (written.etag === object.etag) return 'etag'
    if (!(await isKeyed(pair.source, object.key)) && !(await isKeyed(pair.destination, object.key)))
      throw new LakehouseError('CHECKSUM_MISMATCH', `${object.key}: the copy's ETag is ${written.etag}, the source's ${object.etag}`, {
        details: { key: object.key, expected: object.etag, etag: written.etag },
      })
  }
  const held = await pair.destination.store.head(object.key)
  if (held?.size === object.size) return 'size'
  throw new LakehouseError('TRANSFER_TRUNCATED', `${object.key}: ${held?.size ?? 0} of ${object.size} bytes are at the destination`, {
    details: { key: object.key },
  })
}

/** Whether an object is encrypted with a key of the key service: its ETag looks like a digest and is none. */
async function isKeyed(place: Place, key: string): Promise<boolean> {
  const found = inBucket(place, key)
  const encryption = found === undefined ? undefined : (await headObject(found.client, found.key))?.encryption
  return encryption?.startsWith('aws:kms') === true
}

/** The digest that lies beside the object in the source, if it is asked for and there is one. */
export async function publishedDigest(object: ObjectInfo, pair: Pair): Promise<string | undefined> {
  const checksumKey = pair.checksumKey(object.key)
  if ((pair.verify !== 'sha256' && pair.verify !== 'reread') || checksumKey === undefined) return undefined
  try {
    const text = Buffer.from(await pair.source.store.get(checksumKey)).toString('utf8')
    return /^([0-9a-f]{64})\s/i.exec(text)?.[1]?.toLowerCase()
  } catch (error) {
    if (asLakehouseError(error).code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

/** The SHA-256 of an object's bytes, read from the store. */
export async function digestOf(store: ObjectStore, key: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of store.stream(key)) hash.update(piece)
  return hash.digest('hex')
}

/** A copy that is not what it should be does not stay: the next run would take it for one. */
async function compareDigests(key: string, pair: Pair, expected: string, sha256: string): Promise<void> {
  if (sha256 === expected) return
  await pair.destination.store.delete(key)
  throw new LakehouseError('CHECKSUM_MISMATCH', `${key}: the copy has SHA-256 ${sha256}, expected is ${expected}`, {
    details: { key, expected, sha256 },
  })
}
