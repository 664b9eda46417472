/**
 * Learns how many calls may run at once: one more after each successful round (twice as many until the first failure),
 * and half as many when the server asks for fewer. Additive increase, multiplicative decrease: Chiu and Jain (1989).
 */
export class AdaptiveLimit {
  readonly #max: number
  #limit: number
  #active = 0
  #good = 0
  #slowStart = true
  #generation = 0
  readonly #waiting: ((value?: undefined) => void)[] = []

  constructor(options: { initial: number; max: number }) {
    this.#max = options.max
    this.#limit = Math.min(options.initial, options.max)
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Returns undefined when a slot is free at once, without a turn of the event loop; otherwise a promise of a slot. The call must end with `leave`. */
  enter(): Promise<void> | undefined {
    if (this.#active < this.limit) {
      this.#active++
      return undefined
    }
    return new Promise<undefined>((resolve) => this.#waiting.push(resolve)).then(() => {
      this.#active++
    })
  }

  /** Records how a call that began at `generation` ended. If many calls are refused together, only the first counts. */
  leave(outcome: 'good' | 'throttled', generation: number): void {
    this.#active--
    if (outcome === 'throttled') {
      if (generation === this.#generation) {
        this.#limit = Math.max(1, this.#limit / 2)
        this.#slowStart = false
        this.#generation++
      }
    } else if (++this.#good >= this.limit) {
      this.#good = 0
      this.#limit = Math.min(this.#max, this.#slowStart ? this.#limit * 2 : this.#limit + 1)
    }
    for (let room = this.limit - this.#active; room > 0 && this.#waiting.length > 0; room--) this.#waiting.shift()?.()
  }

  get generation(): number {
    return this.#generation
  }
}
