/** Limits how many units are held at once; further requests wait in order. A request for more units than exist is granted when no units are held. */
export class Semaphore {
  readonly #units: number
  #held = 0
  readonly #waiting: { units: number; resolve: () => void }[] = []

  constructor(units: number) {
    this.#units = units
  }

  take(units: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ units, resolve })
      this.#admit()
    })
  }

  give(units: number): void {
    this.#held -= units
    this.#admit()
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#held > 0 && this.#held + next.units > this.#units) return
      this.#waiting.shift()
      this.#held += next.units
      next.resolve()
    }
  }
}
