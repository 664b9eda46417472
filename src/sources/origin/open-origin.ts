import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LakehouseError } from '../../core/errors.ts'
import { openPlace, type StoreDeps } from '../../storage/open-store.ts'
import { bucketOrigin } from './bucket-origin.ts'
import { directoryOrigin } from './directory-origin.ts'
import type { HttpOriginOptions } from './http-origin.ts'
import type { ArchiveOrigin } from './origin.ts'

export type OriginOptions = Omit<HttpOriginOptions, 'downloadUrl' | 'listingUrl' | 'listingMayLag'> &
  Pick<StoreDeps, 'attempts' | 'retryDelayMs' | 'nowMs' | 'random' | 'environment'>

/** The public site's two addresses: files come from the CDN, listings from the bucket behind it. */
const PUBLIC_ARCHIVE = {
  downloadUrl: 'https://data.binance.vision',
  listingUrl: 'https://s3-ap-northeast-1.amazonaws.com/data.binance.vision',
} as const

/**
 * The archive at an address: `binance` (the public site), https://… or http://… (files and ListObjects at one place),
 * s3://bucket/prefix?endpoint=…&region=…&profile=…&anonymous=true (a bucket), file://… or a directory that holds data/. Throws USAGE, CONFIG_INVALID.
 */
export async function openOrigin(address: string, options: OriginOptions): Promise<ArchiveOrigin> {
  if (address === 'binance' || address.replace(/\/$/, '') === PUBLIC_ARCHIVE.downloadUrl)
    return await overHttp({ ...options, ...PUBLIC_ARCHIVE, listingMayLag: true })
  if (/^https?:\/\//.test(address)) return await served(address, options)
  if (address.startsWith('s3://')) return bucketOrigin(openPlace(address, options))
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

function usage(address: string, why: string): LakehouseError {
  return new LakehouseError('USAGE', `cannot use "${address}" as an archive: ${why}`, { details: { address } })
}
