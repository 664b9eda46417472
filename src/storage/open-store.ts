import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LakehouseError } from '../core/errors.ts'
import { localStore } from './local.ts'
import type { ObjectStore } from './object-store.ts'
import { parseS3Address } from './s3/address.ts'
import { type CredentialSource, credentialChain } from './s3/credentials.ts'
import { S3Client, type S3ClientOptions } from './s3/s3-client.ts'
import type { CacheOptions } from './s3/s3-files.ts'
import { s3Store } from './s3/s3-store.ts'

const DEFAULT_CACHE: CacheOptions = { directory: join(homedir(), '.cache', 'crypto-lakehouse'), limitBytes: 10e9 }

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
  /** Where copies of objects lie that must be files; by default below the user's cache, up to 10 GB. */
  readonly cache?: CacheOptions | undefined
}

/** A place where objects lie: a store, and the client behind it where it is a bucket. `address` holds nothing secret. */
export type Place = { readonly address: string; readonly store: ObjectStore; readonly s3: S3Client | undefined; close(): void }

/**
 * The place at an address: a directory, file://…, s3://bucket/prefix?…, https://host/bucket/prefix (public, read only), one of the aliases
 * or NAME:prefix. Throws CONFIG_INVALID.
 */
export function openPlace(named: string, deps: StoreDeps): Place {
  const alias = Object.hasOwn(deps.aliases ?? {}, named) ? deps.aliases?.[named] : undefined
  const address = alias ?? resolveName(named, deps.names ?? {})
  if (address.startsWith('s3://')) return s3Place(address, deps)
  if (/^https?:\/\//.test(address)) return s3Place(publicBucket(address), deps)
  if (/^[a-z0-9]+:\/\//.test(address) && !address.startsWith('file://'))
    throw new LakehouseError('CONFIG_INVALID', `"${address}" is no place for objects: a directory, file://, s3:// or https://`, {
      details: { address },
    })
  const store = localStore(resolve(address.startsWith('file://') ? fileURLToPath(address) : address))
  return { address: store.url, store, s3: undefined, close: () => {} }
}

function s3Place(text: string, deps: StoreDeps): Place {
  const address = parseS3Address(text)
  const credentials = address.anonymous ? undefined : (deps.credentials ?? credentialChain(address.profile, deps.environment, deps.nowMs))
  const caFile = deps.environment['AWS_CA_BUNDLE']
  const client = new S3Client({
    address,
    credentials,
    connections: deps.connections,
    idleTimeoutMs: deps.idleTimeoutMs,
    retry: { attempts: deps.attempts, baseDelayMs: deps.retryDelayMs, maxDelayMs: 20_000 },
    signal: deps.signal,
    nowMs: deps.nowMs,
    random: deps.random,
    onRetry: deps.onRetry,
    ca: caFile === undefined || caFile === '' ? undefined : readFileSync(caFile, 'utf8'),
  })
  const store = s3Store(client, deps.cache ?? DEFAULT_CACHE, deps.nowMs)
  return { address: store.url, store, s3: client, close: () => client.close() }
}

/** https://host/bucket/prefix as an anonymous address. */
function publicBucket(address: string): string {
  const url = new URL(address)
  const [bucket, ...rest] = url.pathname.slice(1).split('/')
  if (bucket === undefined || bucket === '')
    throw new LakehouseError('CONFIG_INVALID', `"${address}" names no bucket: https://host/bucket/prefix`, { details: { address } })
  return `s3://${bucket}/${rest.join('/')}?endpoint=${url.origin}&anonymous=true`
}

/** NAME:prefix as the address of the store that the configuration names, with the prefix below it. */
function resolveName(address: string, stores: Readonly<Record<string, string>>): string {
  const match = /^([A-Za-z][\w-]*):(?!\/\/)(.*)$/.exec(address)
  if (match === null) return address
  const [, name = '', prefix = ''] = match
  const base = Object.hasOwn(stores, name) ? stores[name] : undefined
  if (base === undefined) {
    const known = Object.keys(stores).join(', ') || 'none'
    throw new LakehouseError('CONFIG_INVALID', `"${address}" names a store that \`stores:\` does not: there are ${known}`, {
      details: { address },
    })
  }
  if (prefix === '') return base
  const [place = '', query] = base.split('?')
  return `${place.replace(/\/$/, '')}/${prefix}${query === undefined ? '' : `?${query}`}`
}
