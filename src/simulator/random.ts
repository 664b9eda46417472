import { createHash } from 'node:crypto'

/** A stream of random numbers that depends only on its seed text: sfc32 (Doty-Humphrey). */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest()
    this.#a = digest.readInt32LE(0)
    this.#b = digest.readInt32LE(4)
    this.#c = digest.readInt32LE(8)
    this.#counter = 1
    for (let n = 0; n < 12; n++) this.#next()
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  /** In [0, 1). */
  uniform(): number {
    return this.#next() / 4294967296
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.uniform() * below)
  }

  chance(probability: number): boolean {
    return this.uniform() < probability
  }

  /** A roughly normal number with mean 0 and deviation 1: a sum of twelve uniform numbers, equal on every machine. */
  normal(): number {
    let sum = -6
    for (let n = 0; n < 12; n++) sum += this.uniform()
    return sum
  }
}
