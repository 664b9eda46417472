import { LakehouseError } from '../core/errors.ts'
import { mapConcurrent } from './map-concurrent.ts'
import { WorkerPool } from './worker-pool.ts'

/** The outcome of one item. An error is a value and does not stop other items. */
export type Outcome<T, R> = { readonly item: T; readonly index: number } & ({ readonly value: R } | { readonly error: unknown })

export type BatchOptions = {
  /** Whether outcomes come in the order of the items, instead of the order in which they finish. */
  readonly ordered?: boolean
  /** When it aborts, no further items begin. Its reason is thrown after the running items have finished. */
  readonly signal?: AbortSignal | undefined
}

/** Processes many items, a limited number at a time. Work is a function, or a module that runs on worker threads for CPU-bound work. */
export class ParallelProcessor {
  readonly #workers: number

  /** Throws USAGE for less than one worker. */
  constructor(workers = 10) {
    if (!Number.isInteger(workers) || workers < 1)
      throw new LakehouseError('USAGE', `the number of workers ${workers} is not valid: use an integer of at least 1`, {
        details: { workers },
      })
    this.#workers = workers
  }

  /** The outcome of every item. A module as `work` (see `WorkerPool`) runs on its own threads. */
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
