import type { ObjectStore } from './object-store.ts'
import type { CredentialSource } from './s3/credentials.ts'
import type { S3Client, S3ClientOptions } from './s3/s3-client.ts'
import type { CacheOptions } from './s3/s3-files.ts'

export type StoreDeps = Pick<S3ClientOptions, 'connections' | 'idleTimeoutMs' | 'signal' | 'nowMs' | 'random' | 'onRetry'> & {
  readonly attempts: number
  readonly retryDelayMs: number
  readonly environment: NodeJS.ProcessEnv
  /** Words that stand for an address of their own. */
  readonly aliases?: Readonly<Record<string, string>> | undefined
  /** Names for places: NAME:prefix. */
  readonly names?: Readonly<Record<string, string>> | undefined
  /** Credentials to use instead of those that the address and the environment name. */
  readonly credentials?: CredentialSource | undefined
  /** Whether only this user may read an object; in a bucket its policy decides. */
  readonly isPrivate?: (key: string) => boolean
  /** Where copies of objects lie that must be files; by default below the user's cache, up to 10 GB. */
  readonly cache?: CacheOptions | undefined
}

/** A place where objects lie: a store, and the client behind it where it is a bucket. `address` holds nothing secret. */
export type Place = { readonly address: string; readonly store: ObjectStore; readonly s3: S3Client | undefined; close(): void }
