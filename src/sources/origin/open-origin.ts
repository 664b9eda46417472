import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LakehouseError } from '../../core/errors.ts'
import { openPlace } from '../../storage/open-store.ts'
import type { StoreDeps } from '../../storage/place.ts'
import type { Source } from '../contract.ts'
import { directoryOrigin } from './directory-origin.ts'
import type { HttpOriginOptions } from './http-origin.ts'
import type { ArchiveOrigin } from './origin.ts'

export type OriginOptions = Omit<HttpOriginOptions, 'downloadUrl' | 'listingUrl' | 'listingMayLag'> &
  Pick<StoreDeps, 'attempts' | 'retryDelayMs' | 'nowMs' | 'random' | 'environment'>

/**
 * The archive of an exchange at an address: the exchange's id (its public site), https://… or http://… (files and ListObjects at one place),
 * s3://bucket/prefix?endpoint=…&region=…&profile=…&anonymous=true (a bucket), file://… or a directory that holds the archive's root folder. Throws USAGE, CONFIG_INVALID.
 */
export async function openOrigin({ id, archive }: Source, address: string, options: OriginOptions): Promise<ArchiveOrigin> {
  const { files, listing, listingMayLag } = archive.site
  if (address === id || address.replace(/\/$/, '') === files)
    return await overHttp({ ...options, downloadUrl: files, listingUrl: listing, listingMayLag })
  if (/^https?:\/\//.test(address)) return await served(address, options)
  if (address.startsWith('s3://')) return await openBucket(address, options)
  const directory = resolve(address.startsWith('file://') ? fileURLToPath(address) : address)
  if (!existsSync(directory) || !statSync(directory).isDirectory()) throw usage(address, 'it is neither an address nor a directory')
  if (!existsSync(`${directory}/${archive.root}`)) throw usage(address, `the directory holds no ${archive.root} folder`)
  return directoryOrigin(directory)
}

function served(url: string, options: OriginOptions): Promise<ArchiveOrigin> {
  const base = url.replace(/\/+$/, '')
  return overHttp({ ...options, downloadUrl: base, listingUrl: base, listingMayLag: false })
}

async function openBucket(address: string, options: OriginOptions): Promise<ArchiveOrigin> {
  const { bucketOrigin } = await import('./bucket-origin.ts')
  return bucketOrigin(await openPlace(address, options))
}

/** The HTTP client is loaded when it is needed: a directory is opened without it. */
async function overHttp(options: HttpOriginOptions): Promise<ArchiveOrigin> {
  const { httpOrigin } = await import('./http-origin.ts')
  return httpOrigin(options)
}

function usage(address: string, why: string): LakehouseError {
  return new LakehouseError('USAGE', `cannot use "${address}" as an archive: ${why}`, { details: { address } })
}
