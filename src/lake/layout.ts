/** Where things lie within a lake; every key of it is made here. */

export type Layer = 'bronze' | 'silver' | 'gold'

export const LAYERS = ['bronze', 'silver', 'gold'] as const satisfies readonly Layer[]

/** Says that a directory is a lake, and of which format. */
export const LAKE_MARKER = 'lakehouse.json'
export const LAKE_FORMAT = 1

export const LEDGER_PREFIX = 'bronze/_ledger/'
export const RUNS_PREFIX = 'bronze/_ledger/.runs/'

const ARCHIVE_PREFIX = 'bronze/binance/archive/'

/** A published object, exactly as it was published. */
export function bronzeKey(archiveKey: string): string {
  return ARCHIVE_PREFIX + archiveKey
}

/** A revision that the exchange has replaced. */
export function revisionKey(sha256: string, archiveKey: string): string {
  return `${ARCHIVE_PREFIX}.revisions/${sha256}/${archiveKey.slice(archiveKey.lastIndexOf('/') + 1)}`
}

/** An answer of the exchange to exchangeInfo, by when it was given: 2024-01-01T00:00:00.123Z */
export function exchangeInfoKey(market: string, takenAt: string, sha256: string): string {
  return `bronze/binance/exchange-info/${market}/${takenAt.replaceAll(/[-:.]/g, '')}-${sha256.slice(0, 12)}.json`
}

/** Bytes that failed verification, by their own digest. */
export function quarantinedObjectKey(sha256: string, archiveKey: string): string {
  return `quarantine/objects/${sha256}/${archiveKey.slice(archiveKey.lastIndexOf('/') + 1)}`
}

/** Folder of the lines that could not be typed: <sha256 of the object>.ndjson each. */
export function quarantinedRowsKey(table: string): string {
  return `quarantine/rows/${table}`
}

/** The root of a table: silver/binance_spot_klines_1m */
export function tableKey(layer: Layer, name: string): string {
  return `${layer}/${name}`
}

/** What people call the table at a root: silver.binance_spot_klines_1m */
export function tableName(root: string): string {
  return root.replace('/', '.')
}
