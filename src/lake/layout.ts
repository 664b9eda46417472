import { ownerOf } from '../sources/objects.ts'

/** The layout of a lake. Every key in a lake is made here. */

export type Layer = 'bronze' | 'silver' | 'gold'

export const LAYERS = ['bronze', 'silver', 'gold'] as const satisfies readonly Layer[]

/** Marks a directory as a lake, and gives its format. */
export const LAKE_MARKER = 'lakehouse.json'
export const LAKE_FORMAT = 1

export const LEDGER_PREFIX = 'bronze/_ledger/'
export const RUNS_PREFIX = 'bronze/_ledger/.runs/'

/** The key of a published object, stored exactly as published. Throws ARCHIVE_KEY_INVALID. */
export function bronzeKey(key: string): string {
  const { source, archiveKey } = ownerOf(key)
  return `bronze/${source.id}/archive/${archiveKey}`
}

/** The key of a revision that the exchange has replaced. */
export function revisionKey(sha256: string, key: string): string {
  return `bronze/${ownerOf(key).source.id}/archive/.revisions/${sha256}/${key.slice(key.lastIndexOf('/') + 1)}`
}

/** The key of an answer of an exchange about its instruments, by its time: 2024-01-01T00:00:00.123Z */
export function exchangeInfoKey(exchange: string, market: string, takenAt: string, sha256: string): string {
  return `bronze/${exchange}/exchange-info/${market}/${takenAt.replaceAll(/[-:.]/g, '')}-${sha256.slice(0, 12)}.json`
}

/** The key of bytes that failed verification, by their own digest. */
export function quarantinedObjectKey(sha256: string, key: string): string {
  return `quarantine/objects/${sha256}/${key.slice(key.lastIndexOf('/') + 1)}`
}

/** The key of a damaged file of the lake that was set aside. */
export function damagedKey(key: string): string {
  return `quarantine/damaged/${key}`
}

/** The folder of lines that could not be decoded, one file per object: <sha256 of the object>.ndjson. */
export function quarantinedRowsKey(table: string): string {
  return `quarantine/rows/${table}`
}

/** The root of a table: silver/exchange_spot_klines_1m */
export function tableKey(layer: Layer, name: string): string {
  return `${layer}/${name}`
}

/** The SQL name of the table at a root: silver.exchange_spot_klines_1m */
export function tableName(root: string): string {
  return root.replace('/', '.')
}
