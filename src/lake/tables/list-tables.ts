import type { ObjectStore } from '../../storage/object-store.ts'
import { hintKey } from '../iceberg/table.ts'
import { LAYERS, type Layer, tableKey } from '../layout.ts'

/** The names of a layer's tables, in order. */
export async function listTables(store: ObjectStore, layer: Layer): Promise<string[]> {
  const names: string[] = []
  for (const name of await store.folders(`${layer}/`))
    if (!name.startsWith('_') && (await isTable(store, `${layer}/${name}`))) names.push(name)
  return names.sort()
}

/** The keys of all tables of a lake, in the order of layers and names. The tables themselves are not read. */
export async function everyTable(store: ObjectStore): Promise<string[]> {
  const roots: string[] = []
  for (const layer of LAYERS) for (const name of await listTables(store, layer)) roots.push(tableKey(layer, name))
  return roots
}

/** The hint may be missing for a moment or after a crash, so any version of the metadata counts as a table. */
async function isTable(store: ObjectStore, root: string): Promise<boolean> {
  if ((await store.head(hintKey(root))) !== undefined) return true
  for await (const _ of store.list(`${root}/metadata/v1.`)) return true
  return false
}
