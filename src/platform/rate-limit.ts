import { setTimeout as delay } from 'node:timers/promises'

/** Allows a number of units per second, with a burst of one second. Further requests wait. */
export class RateLimiter {
  readonly #perSecond: number
  readonly #nowMs: () => number
  readonly #signal: AbortSignal
  #available: number
  #lastMs: number

  constructor(perSecond: number, deps: { nowMs: () => number; signal: AbortSignal }) {
    this.#perSecond = perSecond
    this.#available = perSecond
    this.#nowMs = deps.nowMs
    this.#signal = deps.signal
    this.#lastMs = deps.nowMs()
  }

  /** Resolves when `units` are available. They are reserved at once, so that later requests wait longer. */
  async take(units: number): Promise<void> {
    const nowMs = this.#nowMs()
    this.#available = Math.min(this.#perSecond, this.#available + ((nowMs - this.#lastMs) / 1000) * this.#perSecond)
    this.#lastMs = nowMs
    this.#available -= units
    if (this.#available < 0) await delay((-this.#available / this.#perSecond) * 1000, undefined, { signal: this.#signal })
  }
}
