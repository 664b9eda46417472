import { LakehouseError } from '../core/errors.ts'
import { mapConcurrent } from './map-concurrent.ts'
import { WorkerPool } from './worker-pool.ts'

/** What became of one item: an error is a value, and stops no other item. */
export type Outcome<T, R> = { readonly item: T; readonly index: number } & ({ readonly value: R } | { readonly error: unknown })

export type BatchOptions = {
  /** Outcomes in the order of the items instead of that in which they finish. */
  readonly ordered?: boolean
  /** Items that have not begun when it aborts do not begin; the signal's reason is thrown once those that have are done. */
  readonly signal?: AbortSignal | undefined
}

/** Works on many items, so many at a time. Work is a function, or a module that a worker thread runs for what keeps a processor busy. */
export class ParallelProcessor {
  readonly #workers: number

  /** Throws USAGE for less than one worker. */
  constructor(workers = 10) {
    if (!Number.isInteger(workers) || workers < 1)
      throw new LakehouseError('USAGE', `${workers} workers cannot work: 1 at least`, { details: { workers } })
    this.#workers = workers
  }

  /** What became of every item; with a module as `work` (see `WorkerPool`) on threads of its own. */
  async processBatch<T, R>(
    items: Iterable<T>,
    work: ((item: T, index: number) => Promise<R>) | URL,
    { ordered = false, signal }: BatchOptions = {},
  ): Promise<Outcome<T, R>[]> {
    const pool = work instanceof URL ? new WorkerPool<T, R>(work, this.#workers, undefined) : undefined
    const run = (item: T, index: number) => (work instanceof URL ? (pool as WorkerPool<T, R>).run(item) : work(item, index))
    const outcomes: Outcome<T, R>[] = []
    try {
      const numbered = [...items].map((item, index) => ({ item, index }))
      for await (const outcome of mapConcurrent(
        numbered,
        { limit: this.#workers, signal },
        async ({ item, index }): Promise<Outcome<T, R>> => {
          try {
            return { item, index, value: await run(item, index) }
          } catch (error) {
            return { item, index, error }
          }
        },
      ))
        outcomes.push(outcome)
    } finally {
      await pool?.close()
    }
    return ordered ? outcomes.sort((a, b) => a.index - b.index) : outcomes
  }
}
