import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { type CopySource, copyObject, copyPart, headObject } from '../../storage/s3/operations.ts'
import type { S3Client } from '../../storage/s3/s3-client.ts'
import { type BucketKey, inBucket, type Pair, unfitForServer, writeHeaders } from '../pair.ts'
import type { TransferObject } from '../plan/diff.ts'
import { partBytesFor } from '../run/tuning.ts'
import type { Moved, TransferEngine } from './engine.ts'
import { prove, publishedDigest, type Written } from './proof.ts'
import { inUpload, PART_LEAST } from './upload.ts'

const PARTS_AT_ONCE = 8

/** The store copies by itself, in parts above 5 GiB. No byte goes through this machine. */
export const serverCopy: TransferEngine = {
  unfit: async (pair) => unfitForServer(pair),
  refuses: () => undefined,
  move,
}

async function move(object: TransferObject, pair: Pair): Promise<Moved> {
  const from = inBucket(pair.source, object.key)
  const to = inBucket(pair.destination, object.key)
  if (from === undefined || to === undefined)
    throw new LakehouseError('STORE_UNSUPPORTED', 'server-copy copies only between buckets: use another engine')
  const published = await publishedDigest(object, pair)
  const source = { bucket: from.client.address.bucket, key: from.key, etag: object.etag }
  const inParts = () => copyInParts(to, source, from.client, object, pair)
  const headers = { ...copyHeaders(pair), ...(published === undefined ? {} : { 'x-amz-checksum-algorithm': 'SHA256' }) }
  const written =
    object.size > pair.learnt.copyBytes
      ? await inParts()
      : await copyWhole(to, source, object, pair, headers).catch((error: unknown) => {
          if (!isTooLarge(error) || object.size < PART_LEAST) throw error
          pair.learnt.copyBytes = Math.min(pair.learnt.copyBytes, object.size - 1)
          return inParts()
        })
  return { etag: written.etag, proof: await prove(object, pair, written, published), throughBytes: 0, diskBytes: 0 }
}

/**
 * Copies with one request. A new object is written only if it is still absent, so that only one of two runs writes it.
 * If the object is there by now (another run was first, or an answer was lost), its size and ETag decide.
 * A store without conditional copies ignores the condition, or refuses it once.
 */
async function copyWhole(
  to: BucketKey,
  source: CopySource,
  object: TransferObject,
  pair: Pair,
  headers: Record<string, string>,
): Promise<Written> {
  const ifNoneMatch = object.replaces === undefined && pair.learnt.conditionalCopy
  try {
    return await copyObject(to.client, to.key, source, { headers, ifNoneMatch })
  } catch (error) {
    const { code } = asLakehouseError(error)
    if (ifNoneMatch && code === 'STORE_UNSUPPORTED') {
      pair.learnt.conditionalCopy = false
      return await copyObject(to.client, to.key, source, { headers })
    }
    const there = ifNoneMatch && code === 'PRECONDITION_FAILED' ? await headObject(to.client, to.key) : undefined
    if (there?.size === object.size && there.etag === object.etag) return there
    throw error
  }
}

/** Copies the metadata with the object, but not the tags, because reading tags needs an extra permission. */
function copyHeaders(pair: Pair): Record<string, string> {
  return { ...writeHeaders(pair.write), 'x-amz-metadata-directive': 'COPY', 'x-amz-tagging-directive': 'REPLACE' }
}

/** Whether the store refused a size: some stores copy less than 5 GiB with one request. */
function isTooLarge(error: unknown): boolean {
  const { details } = asLakehouseError(error)
  return (
    details['s3'] === 'EntityTooLarge' ||
    (details['s3'] === 'InvalidRequest' && /larger than|copy source/i.test(asLakehouseError(error).message))
  )
}

async function copyInParts(
  to: BucketKey,
  source: CopySource,
  sourceClient: S3Client,
  object: TransferObject,
  pair: Pair,
): Promise<Written> {
  const head = await headObject(sourceClient, source.key)
  if (head === undefined || head.etag !== source.etag)
    throw new LakehouseError('PRECONDITION_FAILED', `${object.key} changed after it was planned: run again`, {
      details: { key: object.key },
    })
  const headers = { ...writeHeaders(pair.write), ...head.carried }
  for (let size = pair.partBytes ?? partBytesFor(object.size); ; size >>= 1) {
    const partBytes = Math.max(PART_LEAST, Math.min(size, pair.learnt.partBytes))
    try {
      return await inUpload(to, headers, object.size, { pair: { ...pair, partBytes }, atOnce: PARTS_AT_ONCE }, (uploadId, range) =>
        copyPart(to.client, to.key, uploadId, range.number, source, range),
      )
    } catch (error) {
      if (!isTooLarge(error) || partBytes === PART_LEAST) throw error
      pair.learnt.partBytes = Math.min(pair.learnt.partBytes, partBytes >> 1)
    }
  }
}
