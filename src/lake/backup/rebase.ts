import type { ObjectStore } from '../../storage/object-store.ts'
import { manifestHeader } from '../iceberg/commit.ts'
import { manifestKey, manifestListKey } from '../iceberg/content-names.ts'
import { decodeManifest, encodeManifest, type ManifestEntry, partitionTypes } from '../iceberg/manifest.ts'
import { decodeManifestList, encodeManifestList, type ManifestLine } from '../iceberg/manifest-list.ts'
import { manifestShapeOf, type Snapshot, type TableMetadata } from '../iceberg/metadata.ts'
import { plainUrl, urlOf } from '../iceberg/table.ts'

/**
 * Writes the manifests and lists of a table into the lake, and returns the metadata with paths below the address of the lake instead of `oldUrl`.
 * If the address is the same, the files are written unchanged. `keys` are the manifests and lists; `read` gives their bytes.
 */
export async function rebase(
  lake: ObjectStore,
  root: string,
  metadata: TableMetadata,
  oldUrl: string,
  keys: readonly string[],
  read: (key: string) => Promise<Uint8Array>,
): Promise<TableMetadata> {
  if (oldUrl === lake.url) {
    for (const key of keys) await lake.put(key, await read(key))
    return metadata
  }
  const moved = (url: string) => (plainUrl(url).startsWith(`${oldUrl}/`) ? lake.url + plainUrl(url).slice(oldUrl.length) : url)
  // A table that was written after it was moved has paths of both addresses.
  const keyIn = (url: string) => plainUrl(url).slice((plainUrl(url).startsWith(`${oldUrl}/`) ? oldUrl : lake.url).length + 1)
  const known = new Map<string, Pick<ManifestLine, 'path' | 'bytes'>>()
  const snapshots: Snapshot[] = []
  const typesOf = (specId: number) => partitionTypes(manifestShapeOf(metadata, specId, root))
  for (const snapshot of metadata.snapshots) {
    const listKey = keyIn(snapshot['manifest-list'])
    const lines: ManifestLine[] = []
    for (const line of decodeManifestList(await read(listKey), listKey, typesOf)) {
      const made =
        known.get(line.path) ?? (await rebaseManifest(lake, root, metadata, line, moved, await read(keyIn(line.path)), keyIn(line.path)))
      known.set(line.path, made)
      lines.push({ ...line, ...made })
    }
    const header = {
      snapshotId: snapshot['snapshot-id'],
      parentId: snapshot['parent-snapshot-id'] ?? undefined,
      sequence: snapshot['sequence-number'],
    }
    const bytes = encodeManifestList(lines, header, typesOf)
    const key = manifestListKey(root, snapshot['snapshot-id'], bytes)
    await lake.put(key, bytes)
    snapshots.push({ ...snapshot, 'manifest-list': urlOf(lake, key) })
  }
  // Earlier versions of the metadata are not copied.
  return { ...metadata, location: moved(metadata.location), snapshots, 'metadata-log': [] }
}

async function rebaseManifest(
  lake: ObjectStore,
  root: string,
  metadata: TableMetadata,
  line: ManifestLine,
  moved: (url: string) => string,
  bytes: Uint8Array,
  key: string,
): Promise<Pick<ManifestLine, 'path' | 'bytes'>> {
  const shape = manifestShapeOf(metadata, line.specId, root)
  const entries = decodeManifest(shape, bytes, key, { snapshotId: line.snapshotId, sequence: line.sequence })
  const rewritten = entries.map((entry): ManifestEntry => ({ ...entry, file: { ...entry.file, path: moved(entry.file.path) } }))
  const made = encodeManifest(shape, manifestHeader(metadata, line.specId), rewritten)
  const target = manifestKey(root, made)
  await lake.put(target, made)
  return { path: urlOf(lake, target), bytes: made.length }
}
