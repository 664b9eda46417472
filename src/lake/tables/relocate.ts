import { rebase } from '../backup/rebase.ts'
import { type CommitDeps, update } from '../iceberg/commit.ts'
import { baseOf, entriesOf, manifestsOf, required, type Table } from '../iceberg/table.ts'

/** Writes the paths of a moved table again, below the address that the lake has now. Returns the number of rewritten snapshots; 0 for a table that is where its metadata says. */
export async function relocateTable(lake: Table['store'], root: string, deps: CommitDeps): Promise<number> {
  let rewritten = 0
  await update(lake, root, deps, async (current) => {
    const table = required(current, root)
    const base = baseOf(table)
    rewritten = 0
    if (base === undefined || base === lake.url) return undefined
    await requireReadable(table)
    rewritten = table.metadata.snapshots.length
    // `rebase` reads no keys of a list: the files are in the lake already.
    return await rebase(lake, root, table.metadata, base, [], (key) => lake.get(key))
  })
  return rewritten
}

/** Throws what cannot be read, before anything is written. */
async function requireReadable(table: Table): Promise<void> {
  for (const snapshot of table.metadata.snapshots) for (const line of await manifestsOf(table, snapshot)) await entriesOf(table, line)
}
