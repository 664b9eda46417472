import { sweepTemporaries } from '../storage/local.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { writerOf } from '../storage/temporary.ts'
import { publishHint } from './iceberg/commit.ts'
import { entriesOf, keyOf, loadTable, manifestsOf, type Table } from './iceberg/table.ts'
import { LAYERS } from './layout.ts'
import { mayBeAtWork, otherRuns, type Run } from './run.ts'
import { listTables } from './tables.ts'

export type SweepOutcome = { readonly temporaries: number; readonly orphans: number }

/**
 * Removes what killed runs left behind: their temporary files, and, when nobody else writes, the files that no table version reaches. Whether somebody does is
 * asked after this run has said that it sweeps, and runs that begin wait for that: of two runs at least one knows of the other.
 * Registrations of the killed go last, so that a sweep that is killed itself is repeated. Without killed runs nothing is done.
 */
export async function sweepAfterCrash(store: ObjectStore, run: Run): Promise<SweepOutcome> {
  const others = await otherRuns(store, run)
  if (others.dead.length === 0) return { temporaries: 0, orphans: 0 }
  const temporaries = await sweepTemporaries(store.url.slice('file://'.length), (name, modifiedMs) =>
    mayBeAtWork(writerOf(name), modifiedMs, others),
  )
  let orphans = 0
  await run.setSweeping(true)
  try {
    const { alive, dead } = await otherRuns(store, run)
    if (alive > 0) return { temporaries, orphans }
    for (const layer of LAYERS) for (const name of await listTables(store, layer)) orphans += await sweepTable(store, `${layer}/${name}`)
    for (const key of dead) await store.delete(key)
  } finally {
    await run.setSweeping(false)
  }
  return { temporaries, orphans }
}

/** Removes data files, manifests and lists that no snapshot of the table reaches, and mends a hint that lags; returns how many files went. */
async function sweepTable(store: ObjectStore, root: string): Promise<number> {
  const table = await loadTable(store, root)
  const reachable = await reachableKeys(store, table)
  if (table !== undefined) await publishHint(store, root, table.version)
  let removed = 0
  for (const folder of [`${root}/data/`, `${root}/metadata/`]) {
    for await (const { key } of store.list(folder)) {
      if (reachable.has(key) || /\/(v\d+\.metadata\.json|version-hint\.text)$/.test(key)) continue
      await store.delete(key)
      removed++
    }
  }
  return removed
}

async function reachableKeys(store: ObjectStore, table: Table | undefined): Promise<Set<string>> {
  const keys = new Set<string>()
  for (const snapshot of table?.metadata.snapshots ?? []) {
    if (table === undefined) break
    keys.add(keyOf(store, snapshot['manifest-list']))
    for (const line of await manifestsOf(table, snapshot)) {
      const key = keyOf(store, line.path)
      if (keys.has(key)) continue
      keys.add(key)
      for (const { file } of await entriesOf(table, line)) keys.add(keyOf(store, file.path))
    }
  }
  return keys
}
