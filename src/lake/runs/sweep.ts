import type { ObjectStore } from '../../storage/object-store.ts'
import { writerOf } from '../../storage/temporary.ts'
import { RUNS_PREFIX } from '../layout.ts'
import { everyTable } from '../tables/list-tables.ts'
import { removeOrphans } from '../tables/maintain.ts'
import { isUnreadable } from '../tables/unreadable.ts'
import { mayBeAtWork, otherRuns, type Run } from './run.ts'

/** How long uncommitted files of catalog clients are left alone. */
const CLIENTS_MS = 3 * 86_400_000

/** The number of removed files, and of killed runs that are now cleaned up. */
export type SweepOutcome = { readonly killed: number; readonly temporaries: number; readonly orphans: number }

/**
 * Removes the leftovers of killed runs: their temporary files and, if no other run writes, files that no table version reaches. This run first announces
 * that it sweeps, then looks for other runs, and new runs wait for it. So of two runs at least one sees the other.
 * Registrations of killed runs are removed last, so that a killed sweep is repeated. Without killed runs, only the two folders that a run can write to unregistered are searched.
 */
export async function sweepAfterCrash(store: ObjectStore, run: Run): Promise<SweepOutcome> {
  const others = await otherRuns(store, run)
  const isBusy = (name: string, modifiedMs: number) => mayBeAtWork(writerOf(name), modifiedMs, others)
  // A run that was killed while it created the lake or registered itself is not listed as dead. It left files only here.
  let temporaries = (await store.files.sweep(isBusy, '')) + (await store.files.sweep(isBusy, RUNS_PREFIX))
  if (others.dead.length === 0) return { killed: 0, temporaries, orphans: 0 }
  temporaries += await store.files.sweep(isBusy)
  let orphans = 0
  await run.setSweeping(true)
  try {
    const { alive, dead, hasServed, nowMs } = await otherRuns(store, run)
    if (alive > 0) return { killed: 0, temporaries, orphans }
    // No other run writes, so even new files may be removed.
    const beforeMs = hasServed ? nowMs - CLIENTS_MS : Number.POSITIVE_INFINITY
    for (const root of await everyTable(store)) orphans += (await removeOrphans(store, root, { beforeMs, dryRun: false })).length
    for (const key of dead) await store.delete(key)
  } catch (error) {
    // A table that cannot be read may name any file, so nothing more is removed. The next run tries again.
    if (!isUnreadable(error)) throw error
  } finally {
    await run.setSweeping(false)
  }
  return { killed: others.killed, temporaries, orphans }
}
