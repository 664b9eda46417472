import { LakehouseError } from '../core/errors.ts'
import type { ArchiveFile, Source } from './contract.ts'
import { SOURCES } from './registry.ts'

/** The public bucket of each exchange's archive, by the exchange's id. */
export const PUBLIC_BUCKETS: Readonly<Record<string, string>> = Object.fromEntries(SOURCES.map(({ id, archive }) => [id, archive.bucket]))

/** The key under which the ledger and the lineage know an object of an exchange's archive. */
export function objectKey({ archive }: Source, archiveKey: string): string {
  return archive.objectPrefix + archiveKey
}

/** The exchange that an object is of, and its key in that exchange's archive. Throws ARCHIVE_KEY_INVALID for a key of no exchange. */
export function ownerOf(key: string): { source: Source; archiveKey: string } {
  for (const source of SOURCES) {
    const { objectPrefix, root } = source.archive
    if (key.startsWith(objectPrefix + root)) return { source, archiveKey: key.slice(objectPrefix.length) }
  }
  throw new LakehouseError('ARCHIVE_KEY_INVALID', `"${key}" is not a key of any exchange's archive`, { details: { key } })
}

/** The file that an object's key names. Throws ARCHIVE_KEY_INVALID. */
export function parseObjectKey(key: string): ArchiveFile {
  const { source, archiveKey } = ownerOf(key)
  return source.archive.parseKey(archiveKey)
}
