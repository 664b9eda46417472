import type { ObjectStore } from '../../storage/object-store.ts'
import { LEDGER_PREFIX } from '../layout.ts'
import type { NewLedgerEvent } from './event.ts'

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
  #flushing: Promise<void> = Promise.resolve()
  #lastFlushMs: number

  constructor(deps: { store: ObjectStore; run: string; nowMs: () => number }) {
    this.#store = deps.store
    this.#run = deps.run
    this.#nowMs = deps.nowMs
    this.#lastFlushMs = deps.nowMs()
  }

  /** Adds events. Resolves when the segment that they filled, if any, is durable. */
  async append(...events: readonly NewLedgerEvent[]): Promise<void> {
    const nowMs = this.#nowMs()
    for (const { event, key, ...rest } of events) {
      this.#lines.push(JSON.stringify({ event, at: new Date(nowMs).toISOString(), run: this.#run, n: this.#events++, key, ...rest }))
    }
    if (this.#lines.length >= LINES_PER_SEGMENT || nowMs - this.#lastFlushMs >= FLUSH_INTERVAL_MS) await this.flush()
  }

  /** Resolves when all added events are durable. */
  async flush(): Promise<void> {
    if (this.#lines.length > 0) {
      const lines = this.#lines
      const key = `${LEDGER_PREFIX}${this.#run}-${this.#segments++}.ndjson`
      this.#lines = []
      this.#lastFlushMs = this.#nowMs()
      this.#flushing = this.#flushing.then(async () => {
        await this.#store.put(key, Buffer.from(`${lines.join('\n')}\n`), { ifAbsent: true })
      })
    }
    await this.#flushing
  }
}
