import { LakehouseError } from '../../core/errors.ts'
import { holdsSecret, masked } from '../../core/printable.ts'

/** A place in a bucket, and how its store is reached. */
export type S3Address = {
  readonly bucket: string
  /** Begins each key; empty, or ends with a slash. */
  readonly prefix: string
  /** https://host[:port][/path], or undefined for AWS. */
  readonly endpoint: string | undefined
  readonly region: string
  readonly profile: string | undefined
  readonly anonymous: boolean
  /** Whether credentials may travel over plain http beyond this machine. */
  readonly allowsHttp: boolean
  /** Whether the bucket stands in the path rather than in the host name. */
  readonly pathStyle: boolean
}

const PARAMETERS = new Set(['endpoint', 'region', 'profile', 'anonymous', 'pathStyle', 'allowHttp'])

/**
 * Reads s3://bucket/prefix?endpoint=…&region=…&profile=…&anonymous=true&pathStyle=true. Buckets with dots are addressed in the path, because no certificate
 * fits their host name; so are those of an endpoint of one's own. Throws CONFIG_INVALID.
 */
export function parseS3Address(address: string, defaultRegion = 'us-east-1'): S3Address {
  const match = /^s3:\/\/([^/?]+)\/?([^?]*)(?:\?(.*))?$/.exec(address)
  const bucket = match?.[1] ?? ''
  if (!/^[a-z0-9][a-z0-9.\-_]{1,62}$/i.test(bucket)) throw invalid(address, 'it does not begin with s3:// and the name of a bucket')
  if (holdsSecret(address))
    throw invalid(
      address,
      'it holds a secret: take it out, and use a profile or the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)',
    )
  const parameters = new URLSearchParams(match?.[3] ?? '')
  for (const name of parameters.keys())
    if (!PARAMETERS.has(name)) throw invalid(address, `"${name}" is none of ${[...PARAMETERS].join(', ')}`)
  const flag = (name: string) => {
    const value = parameters.get(name)
    if (value !== null && value !== 'true' && value !== 'false') throw invalid(address, `${name} is true or false, not "${value}"`)
    return value === null ? undefined : value === 'true'
  }
  const endpoint = parameters.get('endpoint') ?? undefined
  if (endpoint !== undefined && !ENDPOINT.test(endpoint)) throw invalid(address, 'the endpoint is not http(s)://host[:port][/path]')
  const prefix = match?.[2] ?? ''
  return {
    bucket,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    endpoint: endpoint?.replace(/\/+$/, ''),
    region: parameters.get('region') ?? defaultRegion,
    profile: parameters.get('profile') ?? undefined,
    anonymous: flag('anonymous') ?? false,
    allowsHttp: flag('allowHttp') ?? false,
    pathStyle: flag('pathStyle') ?? (endpoint !== undefined || bucket.includes('.')),
  }
}

/** https://host:9000, or https://host/storage/v1/s3 as some gateways have it. */
const ENDPOINT = /^https?:\/\/[^/?#]+(\/[^?#]*)?$/

/** The address at another endpoint. Throws CONFIG_INVALID. */
export function withEndpoint(address: S3Address, endpoint: string): S3Address {
  if (!ENDPOINT.test(endpoint)) throw invalid(endpoint, 'the endpoint of AWS_ENDPOINT_URL is not http(s)://host[:port][/path]')
  return { ...address, endpoint: endpoint.replace(/\/+$/, ''), pathStyle: true }
}

function invalid(address: string, why: string): LakehouseError {
  return new LakehouseError('CONFIG_INVALID', `"${masked(address)}" is not an S3 address: ${why}`, {
    details: { address: masked(address) },
  })
}
