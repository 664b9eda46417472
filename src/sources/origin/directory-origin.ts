import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LakehouseError, systemCode } from '../../core/errors.ts'
import { localStore } from '../../storage/local.ts'
import { compareKeys } from '../../storage/object-store.ts'
import type { ArchiveOrigin } from './origin.ts'

/** An archive tree in a local directory (the folder that holds data/). */
export function directoryOrigin(directory: string): ArchiveOrigin {
  const store = localStore(directory)
  return {
    address: store.url,
    listingMayLag: false,
    list: (prefix) => store.list(prefix),
    head: (key) => store.head(key),
    folders: (prefix) => subfolders(join(directory, prefix)),
    open: async (key) => {
      const info = await store.head(key)
      if (info === undefined)
        throw new LakehouseError('OBJECT_NOT_FOUND', `${key} does not exist in the archive ${directory}: check --archive and the key`, {
          details: { key },
        })
      return { ...info, body: store.stream(key) }
    },
    close: async () => {},
  }
}

async function subfolders(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort(compareKeys)
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return []
    throw error
  }
}
