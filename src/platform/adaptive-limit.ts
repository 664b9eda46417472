/**
 * How many calls may be under way at once, learnt from how they end: one more after each round that went well (twice as many until the first trouble),
 * half as many when the other side asks for less. Chiu and Jain (1989), additive increase and multiplicative decrease.
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

  /** Undefined when there is room at once, which costs no turn of the event loop; else a promise of it. The call must end with `leave`. */
  enter(): Promise<void> | undefined {
    if (this.#active < this.limit) {
      this.#active++
      return undefined
    }
    return new Promise<undefined>((resolve) => this.#waiting.push(resolve)).then(() => {
      this.#active++
    })
  }

  /** Tells how a call ended that began at `generation`: of many that are refused together, the first one counts. */
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
