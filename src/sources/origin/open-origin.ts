import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LakehouseError } from '../../core/errors.ts'
import { holdsSecret, masked } from '../../core/printable.ts'
import { openPlace } from '../../storage/open-store.ts'
import type { StoreDeps } from '../../storage/place.ts'
import type { Source } from '../contract.ts'
import { directoryOrigin } from './directory-origin.ts'
import type { HttpOriginOptions } from './http-origin.ts'
import type { ArchiveOrigin } from './origin.ts'

export type OriginOptions = Omit<HttpOriginOptions, 'downloadUrl' | 'listingUrl' | 'listingMayLag'> &
  Pick<StoreDeps, 'attempts' | 'retryDelayMs' | 'nowMs' | 'random'>

/**
 * Opens the archive of an exchange at an address. The address is the id of the exchange (its public site), https://… or http://… (files and ListObjects at one URL),
 * s3://bucket/prefix?endpoint=…&region=…&profile=…&anonymous=true, file://… or a directory that contains the root folder of the archive. Throws USAGE, CONFIG_INVALID.
 */
export async function openOrigin({ id, archive }: Source, address: string, options: OriginOptions): Promise<ArchiveOrigin> {
  const { files, listing, listingMayLag } = archive.site
  if (address === id || address.replace(/\/$/, '') === files)
    return await overHttp({ ...options, downloadUrl: files, listingUrl: listing, listingMayLag })
  if (holdsSecret(address)) throw usage(address, 'it holds a secret, which an archive does not need: take it out')
  if (/^https?:\/\//.test(address)) return await served(address, options)
  if (address.startsWith('s3://')) return await openBucket(address, options)
  const directory = resolve(address.startsWith('file://') ? fileURLToPath(address) : address)
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw usage(address, 'the directory does not exist; use the id of an exchange, a URL, s3://… or an existing directory')
  if (!existsSync(`${directory}/${archive.root}`))
    throw usage(address, `the directory does not contain the folder ${archive.root}; choose the directory above that folder`)
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

/** Loads the HTTP client only when it is needed; a directory does not need it. */
async function overHttp(options: HttpOriginOptions): Promise<ArchiveOrigin> {
  const { httpOrigin } = await import('./http-origin.ts')
  return httpOrigin(options)
}

function usage(address: string, why: string): LakehouseError {
  return new LakehouseError('USAGE', `cannot use "${masked(address)}" as an archive: ${why}`, { details: { address: masked(address) } })
}
