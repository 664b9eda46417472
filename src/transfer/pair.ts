import type { RateLimiter } from '../platform/rate-limit.ts'
import type { Semaphore } from '../platform/semaphore.ts'
import type { Place } from '../storage/place.ts'
import type { S3Client } from '../storage/s3/s3-client.ts'
import type { Batching } from './run/tuning.ts'
import type { VerifyMode } from './verify-mode.ts'

/** How the destination stores new objects. */
export type WriteSettings = {
  readonly storageClass: string | undefined
  /** AES256 (SSE-S3), aws:kms or aws:kms:dsse. */
  readonly encryption: string | undefined
  readonly kmsKeyId: string | undefined
}

/** A source and a destination, with their settings. Keys of objects are relative to both addresses. */
export type Pair = {
  readonly source: Place
  readonly destination: Place
  readonly write: WriteSettings
  readonly verify: VerifyMode
  /** The key of the file in which the source publishes the SHA-256 of an object, in the format of sha256sum. Undefined for such a file itself. */
  readonly checksumKey: (key: string) => string | undefined
  /** Sizes in bytes. Without `partBytes`, the part size depends on the size of the object. */
  readonly partBytes: number | undefined
  readonly multipartThresholdBytes: number
  /** Folder for temporary files, the limit of their total size, and the part of it that is in use. */
  readonly scratch: string
  readonly diskLimitBytes: number
  readonly disk: Semaphore
  /** Path of the program s5cmd. */
  readonly s5cmdPath: string
  /** The number of objects copied at the same time, and how they are grouped into batches. */
  readonly concurrency: number
  readonly batching: Batching
  readonly batchSize: number
  /** The longest time without progress before work is stopped. */
  readonly idleTimeoutMs: number
  readonly bytesPerSecond: RateLimiter | undefined
  readonly requestsPerSecond: RateLimiter | undefined
  readonly signal: AbortSignal
  readonly nowMs: () => number
  readonly environment: NodeJS.ProcessEnv
  /** What the run has learnt about the destination: whether copies can be conditional, and the most bytes that one request copies, as a whole or as a part. `otherBytes` counts kept copies whose MD5 is not the ETag that the source lists. */
  readonly learnt: { conditionalCopy: boolean; copyBytes: number; partBytes: number; otherBytes: number }
}

/** Headers that write an object with the settings. The defaults of the bucket apply to settings without a value. */
export function writeHeaders({ storageClass, encryption, kmsKeyId }: WriteSettings): Record<string, string> {
  return {
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(encryption === undefined ? {} : { 'x-amz-server-side-encryption': encryption }),
    ...(kmsKeyId === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId }),
    // One key for the bucket instead of one for each object: far fewer calls to the key service.
    ...(encryption === 'aws:kms' ? { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' } : {}),
  }
}

/** The reason why the server cannot copy between the two stores by itself, or undefined. */
export function unfitForServer(pair: Pick<Pair, 'source' | 'destination'>): string | undefined {
  if (pair.source.s3 === undefined || pair.destination.s3 === undefined) return 'both sides must be buckets'
  if (!sameService(pair)) return 'the buckets belong to different services'
  return pair.destination.s3.address.anonymous ? 'copying needs credentials for the destination' : undefined
}

function sameService({ source, destination }: Pick<Pair, 'source' | 'destination'>): boolean {
  return source.s3 !== undefined && destination.s3 !== undefined && source.s3.address.endpoint === destination.s3.address.endpoint
}

/** An object of a bucket by its full key. */
export type BucketKey = { readonly client: S3Client; readonly key: string }

/** The object as an object of a bucket, or undefined when the place is not a bucket. */
export function inBucket(place: Place, key: string): BucketKey | undefined {
  return place.s3 === undefined ? undefined : { client: place.s3, key: place.s3.address.prefix + key }
}
