import { ownerOf } from '../sources/objects.ts'

/** Where things lie within a lake; every key of it is made here. */

export type Layer = 'bronze' | 'silver' | 'gold'

export const LAYERS = ['bronze', 'silver', 'gold'] as const satisfies readonly Layer[]

/** Says that a directory is a lake, and of which format. */
export const LAKE_MARKER = 'lakehouse.json'
export const LAKE_FORMAT = 1

export const LEDGER_PREFIX = 'bronze/_ledger/'
export const RUNS_PREFIX = 'bronze/_ledger/.runs/'

/** A published object, exactly as it was published. Throws ARCHIVE_KEY_INVALID. */
export function bronzeKey(key: string): string {
  const { source, archiveKey } = ownerOf(key)
  return `bronze/${source.id}/archive/${archiveKey}`
}

/** A revision that the exchange has replaced. */
export function revisionKey(sha256: string, key: string): string {
  return `bronze/${ownerOf(key).source.id}/archive/.revisions/${sha256}/${key.slice(key.lastIndexOf('/') + 1)}`
}

/** An answer of an exchange about its instruments, by when it was given: 2024-01-01T00:00:00.123Z */
export function exchangeInfoKey(exchange: string, market: string, takenAt: string, sha256: string): string {
  return `bronze/${exchange}/exchange-info/${market}/${takenAt.replaceAll(/[-:.]/g, '')}-${sha256.slice(0, 12)}.json`
}

/** Bytes that failed verification, by their own digest. */
export function quarantinedObjectKey(sha256: string, key: string): string {
  return `quarantine/objects/${sha256}/${key.slice(key.lastIndexOf('/') + 1)}`
}

/** Folder of the lines that could not be typed: <sha256 of the object>.ndjson each. */
export function quarantinedRowsKey(table: string): string {
  return `quarantine/rows/${table}`
}

/** The root of a table: silver/exchange_spot_klines_1m */
export function tableKey(layer: Layer, name: string): string {
  return `${layer}/${name}`
}

/** What people call the table at a root: silver.exchange_spot_klines_1m */
export function tableName(root: string): string {
  return root.replace('/', '.')
}
