import type { ObjectStore } from '../../storage/object-store.ts'
import { writerOf } from '../../storage/temporary.ts'
import { RUNS_PREFIX } from '../layout.ts'
import { everyTable } from '../tables/list-tables.ts'
import { removeOrphans } from '../tables/maintain.ts'
import { mayBeAtWork, otherRuns, type Run } from './run.ts'

/** What clients of a catalog have written and not committed yet is left alone for so long. */
const CLIENTS_MS = 3 * 86_400_000

/** Removed files, and how many killed runs are dealt with by that. */
export type SweepOutcome = { readonly killed: number; readonly temporaries: number; readonly orphans: number }

/**
 * Removes what killed runs left behind: their temporary files, and, when nobody else writes, the files that no table version reaches. Whether somebody does is
 * asked after this run has said that it sweeps, and runs that begin wait for that: of two runs at least one knows of the other.
 * Registrations of the killed go last, so that a sweep that is killed itself is repeated. Without killed runs only the two folders are looked at that one may have written to unseen.
 */
export async function sweepAfterCrash(store: ObjectStore, run: Run): Promise<SweepOutcome> {
  const others = await otherRuns(store, run)
  const isBusy = (name: string, modifiedMs: number) => mayBeAtWork(writerOf(name), modifiedMs, others)
  // A run that was killed while it made the lake or registered itself is not among the dead, and has left nothing anywhere else.
  let temporaries = (await store.files.sweep(isBusy, '')) + (await store.files.sweep(isBusy, RUNS_PREFIX))
  if (others.dead.length === 0) return { killed: 0, temporaries, orphans: 0 }
  temporaries += await store.files.sweep(isBusy)
  let orphans = 0
  await run.setSweeping(true)
  try {
    const { alive, dead, hasServed, nowMs } = await otherRuns(store, run)
    if (alive > 0) return { killed: 0, temporaries, orphans }
    // Nobody else writes: nothing is too young.
    const beforeMs = hasServed ? nowMs - CLIENTS_MS : Number.POSITIVE_INFINITY
    for (const root of await everyTable(store)) orphans += (await removeOrphans(store, root, { beforeMs, dryRun: false })).length
    for (const key of dead) await store.delete(key)
  } finally {
    await run.setSweeping(false)
  }
  return { killed: others.killed, temporaries, orphans }
}
