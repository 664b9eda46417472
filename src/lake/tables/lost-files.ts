import type { ObjectStore } from '../../storage/object-store.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { fileNameOf } from '../iceberg/partition-folder.ts'
import { keyOf } from '../iceberg/table.ts'

/**
 * The paths of data files that are gone, or have another size than was committed: they count as missing, so that they are built again. On disk each file is looked up.
 * In a bucket the data folder is listed, because a request for each file takes long.
 */
export async function lostFiles(
  store: ObjectStore,
  root: string,
  files: readonly Pick<DataFile, 'path' | 'bytes'>[],
): Promise<ReadonlySet<string>> {
  const lost = new Set<string>()
  if (files.length === 0) return lost
  const listed = new Map<string, number>()
  if (!store.capabilities.localFiles) for await (const { key, size } of store.list(`${root}/data/`)) listed.set(key, size)
  for (const { path, bytes } of files) {
    const key = keyOf(store, path)
    const size = listed.get(key) ?? (await store.head(key))?.size
    if (size !== bytes) lost.add(path)
  }
  return lost
}

/** Puts a lost file back under its name, if a build gave the bytes again that were committed. `temporary` is the finished file. */
export async function putBack(
  store: ObjectStore,
  lost: ReadonlySet<string>,
  live: readonly DataFile[],
  built: Pick<DataFile, 'path' | 'bytes' | 'sha256'>,
  temporary: string,
): Promise<boolean> {
  const held = live.find(({ path }) => lost.has(path) && fileNameOf(path) === fileNameOf(built.path))
  if (held === undefined || held.bytes !== built.bytes || (held.sha256 ?? built.sha256) !== built.sha256) return false
  return await store.files.publish(temporary, keyOf(store, held.path), { replace: true })
}
