import type { RateLimiter } from '../platform/rate-limit.ts'
import type { Semaphore } from '../platform/semaphore.ts'
import type { Place } from '../storage/place.ts'
import type { S3Client } from '../storage/s3/s3-client.ts'
import type { Batching } from './run/tuning.ts'
import type { VerifyMode } from './verify-mode.ts'

/** How objects are to be kept at the destination. */
export type WriteSettings = {
  readonly storageClass: string | undefined
  /** AES256 (SSE-S3), aws:kms or aws:kms:dsse. */
  readonly encryption: string | undefined
  readonly kmsKeyId: string | undefined
}

/** A source and a destination, with what is known of both. Keys of objects are relative to each. */
export type Pair = {
  readonly source: Place
  readonly destination: Place
  readonly write: WriteSettings
  readonly verify: VerifyMode
  /** Where the source publishes the SHA-256 of an object, as sha256sum writes it; undefined for such a file itself. */
  readonly checksumKey: (key: string) => string | undefined
  /** Sizes, bytes; parts without one are as large as befits their object. */
  readonly partBytes: number | undefined
  readonly multipartThresholdBytes: number
  /** Folder for what must lie on disk, how much that may be, and who holds how much of it. */
  readonly scratch: string
  readonly diskLimitBytes: number
  readonly disk: Semaphore
  /** The program s5cmd. */
  readonly s5cmdPath: string
  /** Objects under way at once, and how they are put together. */
  readonly concurrency: number
  readonly batching: Batching
  readonly batchSize: number
  /** Longest time without a sign of life. */
  readonly idleTimeoutMs: number
  readonly bytesPerSecond: RateLimiter | undefined
  readonly requestsPerSecond: RateLimiter | undefined
  readonly signal: AbortSignal
  readonly nowMs: () => number
  readonly environment: NodeJS.ProcessEnv
  /** What the destination has shown on the way: whether it takes conditions on what a copy writes, and how much it copies with one request, whole or as a part. */
  readonly learnt: { conditionalCopy: boolean; copyBytes: number; partBytes: number }
}

/** Headers by which an object is written as the settings ask; the bucket's own defaults hold for what is not set. */
export function writeHeaders({ storageClass, encryption, kmsKeyId }: WriteSettings): Record<string, string> {
  return {
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(encryption === undefined ? {} : { 'x-amz-server-side-encryption': encryption }),
    ...(kmsKeyId === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId }),
    // One key for the bucket instead of one for each object: far fewer calls to the key service.
    ...(encryption === 'aws:kms' ? { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' } : {}),
  }
}

/** Why no server can copy between the two places by itself, or undefined. */
export function unfitForServer(pair: Pick<Pair, 'source' | 'destination'>): string | undefined {
  if (pair.source.s3 === undefined || pair.destination.s3 === undefined) return 'both sides must be buckets'
  if (!sameService(pair)) return 'the buckets belong to different services'
  return pair.destination.s3.address.anonymous ? 'nobody may copy without credentials' : undefined
}

function sameService({ source, destination }: Pick<Pair, 'source' | 'destination'>): boolean {
  return source.s3 !== undefined && destination.s3 !== undefined && source.s3.address.endpoint === destination.s3.address.endpoint
}

/** An object of a bucket by its whole key. */
export type BucketKey = { readonly client: S3Client; readonly key: string }

/** An object of a place as one of a bucket, if the place is one. */
export function inBucket(place: Place, key: string): BucketKey | undefined {
  return place.s3 === undefined ? undefined : { client: place.s3, key: place.s3.address.prefix + key }
}
