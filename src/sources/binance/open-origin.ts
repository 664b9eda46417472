import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LakehouseError } from '../../core/errors.ts'
import { directoryOrigin } from './directory-origin.ts'
import type { HttpOriginOptions } from './http-origin.ts'
import type { ArchiveOrigin } from './origin.ts'

export type OriginOptions = Omit<HttpOriginOptions, 'downloadUrl' | 'listingUrl' | 'listingMayLag'>

/** The public site's two addresses: files come from the CDN, listings from the bucket behind it. */
const PUBLIC_ARCHIVE = {
  downloadUrl: 'https://data.binance.vision',
  listingUrl: 'https://s3-ap-northeast-1.amazonaws.com/data.binance.vision',
} as const

/**
 * The archive at an address: `binance` (the public site), https://… or http://… (files and ListObjects at one place),
 * s3://bucket/prefix?endpoint=…&region=… (public bucket, path style), file://… or a directory that holds data/. Throws USAGE.
 */
export async function openOrigin(address: string, options: OriginOptions): Promise<ArchiveOrigin> {
  if (address === 'binance' || address.replace(/\/$/, '') === PUBLIC_ARCHIVE.downloadUrl)
    return await overHttp({ ...options, ...PUBLIC_ARCHIVE, listingMayLag: true })
  if (/^https?:\/\//.test(address)) return await served(address, options)
  if (address.startsWith('s3://')) return await served(bucketUrl(address), options)
  const directory = resolve(address.startsWith('file://') ? fileURLToPath(address) : address)
  if (!existsSync(directory) || !statSync(directory).isDirectory()) throw usage(address, 'it is neither an address nor a directory')
  if (!existsSync(`${directory}/data`)) throw usage(address, 'the directory holds no data/ folder')
  return directoryOrigin(directory)
}

function served(url: string, options: OriginOptions): Promise<ArchiveOrigin> {
  const base = url.replace(/\/+$/, '')
  return overHttp({ ...options, downloadUrl: base, listingUrl: base, listingMayLag: false })
}

/** The HTTP client is loaded when it is needed: a directory is opened without it. */
async function overHttp(options: HttpOriginOptions): Promise<ArchiveOrigin> {
  const { httpOrigin } = await import('./http-origin.ts')
  return httpOrigin(options)
}

function bucketUrl(address: string): string {
  const url = new URL(address)
  const region = url.searchParams.get('region') ?? 'us-east-1'
  const endpoint = url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`
  if (url.pathname.replaceAll('/', '') !== '') throw usage(address, 'the bucket must hold data/ at its root')
  if (url.searchParams.get('anonymous') !== 'true') throw usage(address, 'only public buckets are read so far: add anonymous=true')
  return `${endpoint.replace(/\/+$/, '')}/${url.host}`
}

function usage(address: string, why: string): LakehouseError {
  return new LakehouseError('USAGE', `cannot use "${address}" as an archive: ${why}`, { details: { address } })
}
