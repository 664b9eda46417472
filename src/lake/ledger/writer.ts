import { LakehouseError } from '../../core/errors.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { NewLedgerEvent } from './event.ts'
import { segmentKey } from './segments.ts'

const LINES_PER_SEGMENT = 2000
const FLUSH_INTERVAL_MS = 1000

/**
 * Appends to the ledger. Events collect in memory and are published as whole new segments that are never rewritten, so that readers never see half a line
 * and two runs never write the same object. After a crash nothing is lost: the bytes are in bronze and are verified again.
 */
export class LedgerWriter {
  readonly #store: ObjectStore
  readonly #run: string
  readonly #nowMs: () => number
  #lines: string[] = []
  #events = 0
  #segments = 0
  #seq: number | undefined
  #flushing: Promise<void> = Promise.resolve()
  #lastFlushMs: number

  constructor(deps: { store: ObjectStore; run: string; nowMs: () => number }) {
    this.#store = deps.store
    this.#run = deps.run
    this.#nowMs = deps.nowMs
    this.#lastFlushMs = deps.nowMs()
  }

  /** Orders the next events after an event that was read. Clocks do not order them, because they may differ or go back. */
  follow(seq: number): void {
    this.#seq = Math.max(this.#seq ?? 0, seq)
  }

  /** Adds events, after `follow`. Resolves when the segment that they filled, if any, is durable. */
  async append(...events: readonly NewLedgerEvent[]): Promise<void> {
    const nowMs = this.#nowMs()
    if (this.#seq === undefined)
      throw new LakehouseError('INTERNAL', 'the run did not read the ledger before it wrote to it: report this message')
    for (const { event, key, ...rest } of events) {
      this.#lines.push(
        JSON.stringify({ event, at: new Date(nowMs).toISOString(), run: this.#run, n: this.#events++, seq: ++this.#seq, key, ...rest }),
      )
    }
    if (this.#lines.length >= LINES_PER_SEGMENT || nowMs - this.#lastFlushMs >= FLUSH_INTERVAL_MS) await this.flush()
  }

  /** Resolves when all added events are durable. */
  async flush(): Promise<void> {
    if (this.#lines.length > 0) {
      const bytes = Buffer.from(`${this.#lines.join('\n')}\n`)
      const key = segmentKey(this.#run, this.#segments++, bytes)
      this.#lines = []
      this.#lastFlushMs = this.#nowMs()
      this.#flushing = this.#flushing.then(async () => {
        await this.#store.put(key, bytes, { ifAbsent: true })
      })
    }
    await this.#flushing
  }
}
