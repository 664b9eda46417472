import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { digestOfObject } from '../../storage/digests.ts'
import type { ObjectInfo } from '../../storage/object-store.ts'
import type { Place } from '../../storage/place.ts'
import { headObject } from '../../storage/s3/operations.ts'
import { inBucket, type Pair } from '../pair.ts'
import { isDigest } from '../plan/compare.ts'

/** How a copy was proved. */
export type Proof = 'sha256' | 'etag' | 'size'

/** What is known of a written copy: the ETag that the destination answered, and digests of the bytes that passed through this process. */
export type Written = { readonly etag: string; readonly sha256?: string | undefined; readonly md5?: string | undefined }

/** Proves a copy as the pair requires. Throws CHECKSUM_MISMATCH, TRANSFER_TRUNCATED. */
export async function prove(object: ObjectInfo, pair: Pair, written: Written, published: string | undefined): Promise<Proof> {
  if (pair.verify === 'reread') {
    const expected = published ?? (await digestOfObject(pair.source.store, object.key))
    await compareDigests(object.key, pair, expected, await digestOfObject(pair.destination.store, object.key))
    return 'sha256'
  }
  if (published !== undefined) {
    await compareDigests(object.key, pair, published, written.sha256 ?? (await digestOfObject(pair.destination.store, object.key)))
    return 'sha256'
  }
  if (written.md5 !== undefined && isDigest(object.etag) && written.md5 !== object.etag)
    return await judgeOtherBytes(object, pair, written.md5)
  if (pair.verify !== 'size' && isDigest(object.etag) && isDigest(written.etag)) {
    if (written.etag === object.etag) return 'etag'
    if (!(await isKeyed(pair.source, object.key)) && !(await isKeyed(pair.destination, object.key)))
      throw new LakehouseError(
        'CHECKSUM_MISMATCH',
        `the copy of ${object.key} differs from the source: its ETag is ${written.etag}, the ETag of the source is ${object.etag}; run again`,
        {
          details: { key: object.key, expected: object.etag, etag: written.etag },
        },
      )
  }
  const held = await pair.destination.store.head(object.key)
  if (held?.size === object.size) return 'size'
  throw new LakehouseError(
    'TRANSFER_TRUNCATED',
    `the copy of ${object.key} has ${held?.size ?? 0} bytes at the destination instead of ${object.size}: run again`,
    {
      details: { key: object.key },
    },
  )
}

/**
 * The bytes that came do not have the MD5 that the source lists as their ETag: they are wrong, or the store's ETags are not digests. A checksum that the source publishes decides.
 * Without one, only `--verify size` keeps the copy, and the run reports it. Throws CHECKSUM_MISMATCH.
 */
async function judgeOtherBytes(object: ObjectInfo, pair: Pair, md5: string): Promise<Proof> {
  if (await isKeyed(pair.source, object.key)) return 'size'
  const published = await readPublished(object, pair)
  if (published !== undefined) {
    await compareDigests(object.key, pair, published, await digestOfObject(pair.destination.store, object.key))
    return 'sha256'
  }
  if (pair.verify === 'size') {
    pair.learnt.otherBytes++
    return 'size'
  }
  await pair.destination.store.delete(object.key)
  throw new LakehouseError(
    'CHECKSUM_MISMATCH',
    `${object.key} came with MD5 ${md5}, but the source lists ${object.etag}: run again; if the ETags of this store are not MD5 digests, add --verify size`,
    { details: { key: object.key, expected: object.etag, md5 } },
  )
}

/** Whether an object is encrypted with a key of the key service: its ETag looks like a digest, but is not one. */
async function isKeyed(place: Place, key: string): Promise<boolean> {
  const found = inBucket(place, key)
  const encryption = found === undefined ? undefined : (await headObject(found.client, found.key))?.encryption
  return encryption?.startsWith('aws:kms') === true
}

/** The digest that the source publishes beside the object, if the pair requires it and it exists. */
export async function publishedDigest(object: ObjectInfo, pair: Pair): Promise<string | undefined> {
  return pair.verify === 'sha256' || pair.verify === 'reread' ? await readPublished(object, pair) : undefined
}

/** The digest that the source publishes beside the object, or undefined when it publishes none. */
async function readPublished(object: ObjectInfo, pair: Pair): Promise<string | undefined> {
  const checksumKey = pair.checksumKey(object.key)
  if (checksumKey === undefined) return undefined
  try {
    const text = Buffer.from(await pair.source.store.get(checksumKey)).toString('utf8')
    return /^([0-9a-f]{64})\s/i.exec(text)?.[1]?.toLowerCase()
  } catch (error) {
    if (asLakehouseError(error).code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

/** Deletes a copy with a wrong digest, because the next run would take it for a valid copy. */
async function compareDigests(key: string, pair: Pair, expected: string, sha256: string): Promise<void> {
  if (sha256 === expected) return
  await pair.destination.store.delete(key)
  throw new LakehouseError(
    'CHECKSUM_MISMATCH',
    `the copy of ${key} has SHA-256 ${sha256} instead of ${expected} and was deleted: run again`,
    {
      details: { key, expected, sha256 },
    },
  )
}
