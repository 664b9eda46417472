import { LakehouseError } from '../core/errors.ts'
import type { ArchiveFile, Source } from './contract.ts'
import { SOURCES } from './registry.ts'

/** The public bucket of the archive of each exchange, by the id of the exchange. */
export const PUBLIC_BUCKETS: Readonly<Record<string, string>> = Object.fromEntries(SOURCES.map(({ id, archive }) => [id, archive.bucket]))

/** The key of an archive object in the ledger and in lineage columns. */
export function objectKey({ archive }: Source, archiveKey: string): string {
  return archive.objectPrefix + archiveKey
}

/** The exchange of an object, and its key in the archive of that exchange. Throws ARCHIVE_KEY_INVALID if no exchange matches. */
export function ownerOf(key: string): { source: Source; archiveKey: string } {
  for (const source of SOURCES) {
    const { objectPrefix, root } = source.archive
    if (key.startsWith(objectPrefix + root)) return { source, archiveKey: key.slice(objectPrefix.length) }
  }
  throw new LakehouseError(
    'ARCHIVE_KEY_INVALID',
    `"${key}" does not match the archive of any exchange: check the key, see \`catalog files\``,
    { details: { key } },
  )
}

/** The file that an object's key names. Throws ARCHIVE_KEY_INVALID. */
export function parseObjectKey(key: string): ArchiveFile {
  const { source, archiveKey } = ownerOf(key)
  return source.archive.parseKey(archiveKey)
}
