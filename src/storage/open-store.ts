import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LakehouseError } from '../core/errors.ts'
import { holdsSecret, masked } from '../core/printable.ts'
import { localStore } from './local.ts'
import type { Place, StoreDeps } from './place.ts'

/**
 * The place at an address: a directory, file://…, s3://bucket/prefix?…, https://host/bucket/prefix (public, read only), one of the aliases
 * or NAME:prefix. Throws CONFIG_INVALID.
 */
export async function openPlace(named: string, deps: StoreDeps): Promise<Place> {
  const alias = Object.hasOwn(deps.aliases ?? {}, named) ? deps.aliases?.[named] : undefined
  const address = alias ?? resolveName(named, deps.names ?? {})
  if (holdsSecret(address))
    throw new LakehouseError(
      'CONFIG_INVALID',
      `the address "${masked(address)}" holds a secret: take it out, and use a profile or the environment`,
      {
        details: { address: masked(address) },
      },
    )
  const isPublic = /^https?:\/\//.test(address)
  if (isPublic || address.startsWith('s3://')) {
    const { s3Place } = await import('./s3/s3-place.ts')
    return s3Place(isPublic ? publicBucket(address) : address, deps)
  }
  if (/^[a-z0-9]+:\/\//.test(address) && !address.startsWith('file://'))
    throw new LakehouseError(
      'CONFIG_INVALID',
      `"${address}" is not an address of a store: write a directory, file://…, s3://bucket/prefix or https://host/bucket/prefix`,
      {
        details: { address },
      },
    )
  const directory = resolve(address.startsWith('file://') ? fileURLToPath(address) : address)
  const store = localStore(directory, deps.isPrivate === undefined ? {} : { isPrivate: deps.isPrivate })
  return { address: store.url, store, s3: undefined, close: () => {} }
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
