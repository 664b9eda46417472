import { digestOf } from '../../storage/digests.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { keyOf, loadTable, manifestsOf, metadataKey, snapshotOf, type Table } from '../iceberg/table.ts'
import { describeTable, listPartitions } from './describe.ts'

export function cardKey(root: string): string {
  return `${root}/_metadata.json`
}

/** Writes the card of a table. Returns the version of the table; undefined for a table without rows. */
export async function publishTableCard(store: ObjectStore, root: string): Promise<number | undefined> {
  const table = await loadTable(store, root)
  const card = table === undefined ? undefined : await tableCard(table)
  if (card === undefined) return undefined
  await store.put(cardKey(root), card)
  return table?.version
}

/**
 * The bytes of `_metadata.json` beside a table, for tools that cannot read Iceberg: schema, counts, SHA-256 of the metadata and manifests, and lineage, all of the current
 * snapshot. Our own code does not read it. Undefined for a table without rows.
 */
export async function tableCard(table: Table): Promise<Buffer | undefined> {
  const { store, root } = table
  const snapshot = snapshotOf(table, undefined)
  if (snapshot === undefined) return undefined
  const partitions = await listPartitions(table)
  const sum = (of: (part: (typeof partitions)[number]) => number) => partitions.reduce((total, part) => total + of(part), 0)
  const times = partitions.flatMap(({ from, to }) => [from, to]).filter((time) => time !== null)
  const checksums: Record<string, string> = {}
  const lists = [keyOf(store, snapshot['manifest-list']), ...(await manifestsOf(table, snapshot)).map((line) => keyOf(store, line.path))]
  for (const key of [metadataKey(root, table.version), ...lists]) checksums[key] = digestOf(await store.get(key))
  const { properties: _properties, ...described } = describeTable(table)
  const { operation, 'lakehouse.run': run = null } = snapshot.summary
  const card = {
    ...described,
    counts: {
      rows: sum((part) => part.rows),
      files: sum((part) => part.files),
      bytes: sum((part) => part.bytes),
      partitions: partitions.length,
    },
    range: { from: times.toSorted()[0] ?? null, to: times.toSorted().at(-1) ?? null },
    checksums,
    lineage: { run, operation, layer: root.split('/')[0], ledger: 'bronze.ledger', objects: 'bronze.objects' },
  }
  return Buffer.from(`${JSON.stringify(card, undefined, 1)}\n`)
}
