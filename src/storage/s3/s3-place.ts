import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import type { Place, StoreDeps } from '../place.ts'
import { parseS3Address, type S3Address, withEndpoint } from './address.ts'
import { credentialChain } from './credentials.ts'
import { S3Client } from './s3-client.ts'
import type { CacheOptions } from './s3-files.ts'
import { s3Store } from './s3-store.ts'

const DEFAULT_CACHE: CacheOptions = { directory: join(homedir(), '.cache', 'crypto-lakehouse'), limitBytes: 10e9 }

/** The bucket at an address s3://bucket/prefix?…. Throws CONFIG_INVALID. */
export function s3Place(text: string, deps: StoreDeps): Place {
  const { AWS_REGION: region = '', AWS_DEFAULT_REGION: older = '' } = deps.environment
  const named = parseS3Address(text, region || older || undefined)
  // The variables of all AWS tools; a public bucket is where it is.
  const { AWS_ENDPOINT_URL_S3: own = '', AWS_ENDPOINT_URL: every = '' } = deps.environment
  const address = named.anonymous || named.endpoint !== undefined || (own || every) === '' ? named : withEndpoint(named, own || every)
  const credentials = address.anonymous ? undefined : (deps.credentials ?? credentialChain(address.profile, deps.environment, deps.nowMs))
  const caFile = deps.environment['AWS_CA_BUNDLE']
  refusePlainHttp(address, credentials !== undefined)
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
    environment: deps.environment,
    ca: caFile === undefined || caFile === '' ? undefined : readFileSync(caFile, 'utf8'),
  })
  const store = s3Store(client, deps.cache ?? DEFAULT_CACHE, deps.nowMs)
  return { address: store.url, store, s3: client, close: () => client.close() }
}

/** Signed requests over plain http show session tokens and data to everybody on the way. Throws CONFIG_INVALID beyond this machine, unless the address allows it. */
function refusePlainHttp({ endpoint, allowsHttp }: S3Address, isSigned: boolean): void {
  if (endpoint === undefined || !isSigned || allowsHttp || !endpoint.startsWith('http://')) return
  const { hostname } = new URL(endpoint)
  if (/^(localhost|127(\.\d+){3}|\[::1\]|.*\.localhost)$/.test(hostname)) return
  throw new LakehouseError(
    'CONFIG_INVALID',
    `credentials do not travel over plain http to ${hostname}: use https, or add allowHttp=true to the address`,
    {
      details: { endpoint },
    },
  )
}
