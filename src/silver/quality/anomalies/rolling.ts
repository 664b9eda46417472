/** The last values of a series, kept sorted, for their median and median deviation. The judged value is not among them. */
export class RollingWindow {
  readonly #ring: Float64Array
  readonly #sorted: Float64Array
  #size = 0
  #next = 0

  constructor(length: number) {
    this.#ring = new Float64Array(length)
    this.#sorted = new Float64Array(length)
  }

  get size(): number {
    return this.#size
  }

  push(value: number): void {
    const length = this.#ring.length
    if (this.#size === length) {
      const at = this.#place(this.#ring[this.#next] as number)
      this.#sorted.copyWithin(at, at + 1, this.#size)
      this.#size--
    }
    const at = this.#place(value)
    this.#sorted.copyWithin(at + 1, at, this.#size)
    this.#sorted[at] = value
    this.#ring[this.#next] = value
    this.#next = (this.#next + 1) % length
    this.#size++
  }

  clear(): void {
    this.#size = 0
    this.#next = 0
  }

  median(): number {
    const middle = this.#size >> 1
    const high = this.#sorted[middle] as number
    return this.#size % 2 === 1 ? high : ((this.#sorted[middle - 1] as number) + high) / 2
  }

  /** A standard deviation robust to outliers: 1.4826 times the median deviation from the median (Hampel 1974). If half of the values are equal: 1.2533 times the mean deviation. */
  scale(): number {
    const median = this.median()
    const mad = this.#medianDeviation(median)
    if (mad > 0) return 1.4826 * mad
    let sum = 0
    for (let at = 0; at < this.#size; at++) sum += Math.abs((this.#sorted[at] as number) - median)
    return (1.2533 * sum) / this.#size
  }

  /** In a sorted series, deviations grow on both sides of the median, so they are visited from the middle outwards. */
  #medianDeviation(median: number): number {
    const wanted = this.#size >> 1
    let right = this.#place(median)
    let left = right - 1
    let last = 0
    for (let taken = 0; taken <= wanted; taken++) {
      const below = left >= 0 ? median - (this.#sorted[left] as number) : Number.POSITIVE_INFINITY
      const above = right < this.#size ? (this.#sorted[right] as number) - median : Number.POSITIVE_INFINITY
      if (below < above) {
        last = below
        left--
      } else {
        last = above
        right++
      }
    }
    return last
  }

  /** The position that a value has, or would have, in the sorted series. */
  #place(value: number): number {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sorted[middle] as number) < value) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A Hampel filter (Hampel 1974; Pearson 2002) over the values before: the distance from the median in scales, if it exceeds the threshold. Deviations below `smallest` never do. */
export function hampelFilter({
  window,
  shortest,
  threshold,
  smallest,
}: {
  window: number
  shortest: number
  threshold: number
  smallest: number
}) {
  const before = new RollingWindow(window)
  return (value: number): number | undefined => {
    if (!Number.isFinite(value)) return undefined
    let score: number | undefined
    if (before.size >= shortest) {
      const deviation = Math.abs(value - before.median())
      const scale = Math.max(before.scale(), smallest / threshold)
      if (deviation > threshold * scale) score = deviation / scale
    }
    before.push(value)
    return score
  }
}

/** A robust z-score on logarithms of the values before, if it is above the threshold. Values that are not positive are skipped. A scale is at least `smallestScale`. */
export function highOutlier({
  window,
  shortest,
  threshold,
  smallestScale,
}: {
  window: number
  shortest: number
  threshold: number
  smallestScale: number
}) {
  const before = new RollingWindow(window)
  return (amount: number): number | undefined => {
    if (!(amount > 0)) return undefined
    const value = Math.log(amount)
    let score: number | undefined
    if (before.size >= shortest) {
      const deviation = value - before.median()
      // The scale is expensive and most values are below any threshold, so the median is checked first.
      if (deviation > threshold * smallestScale) {
        const z = deviation / Math.max(before.scale(), smallestScale)
        if (z > threshold) score = z
      }
    }
    before.push(value)
    return score
  }
}
