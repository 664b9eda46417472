import type { ObjectStore } from '../storage/object-store.ts'
import { hintKey } from './iceberg/table.ts'
import type { Layer } from './layout.ts'

/** The names of a layer's tables, in order. */
export async function listTables(store: ObjectStore, layer: Layer): Promise<string[]> {
  const names: string[] = []
  for (const name of await store.folders(`${layer}/`))
    if (!name.startsWith('_') && (await isTable(store, `${layer}/${name}`))) names.push(name)
  return names.sort()
}

/** The hint may be missing for a moment, or since a crash: a version of the metadata is enough. */
async function isTable(store: ObjectStore, root: string): Promise<boolean> {
  if ((await store.head(hintKey(root))) !== undefined) return true
  for await (const _ of store.list(`${root}/metadata/v1.`)) return true
  return false
}
