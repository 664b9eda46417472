import type { Kernel } from '../indicator.ts'
import { skipLeading } from './leading.ts'

/** Mean of the last `period` values. Skips leading NaNs. */
export function sma(period: number): Kernel {
  const own = new Float64Array(3)
  const ring = new Float64Array(period)
  return {
    memory: [own, ring],
    run(inputs, outputs, rows) {
      const x = inputs[0] as Float64Array
      const y = outputs[0] as Float64Array
      const size = period | 0
      let count = (own[0] as number) | 0
      let at = (own[1] as number) | 0
      let sum = own[2] as number
      const begin = count === 0 ? skipLeading(x, y, rows) : 0
      let row = begin
      // While the value that leaves the window is in the ring …
      for (const end = Math.min(rows, begin + size); row < end; row++) {
        const value = x[row] as number
        sum += value - (ring[at] as number)
        ring[at] = value
        if (++at === size) at = 0
        if (count < size) count++
        y[row] = count < size ? Number.NaN : sum / size
      }
      // … and when it is in the block itself.
      if (row < rows) {
        for (let next = row; next < rows; next++) {
          sum += (x[next] as number) - (x[next - size] as number)
          y[next] = sum / size
        }
        at = 0
      }
      own[0] = count
      own[1] = at
      own[2] = sum
      // Call this only after the loops: values that live across a call are kept in memory, not in a register.
      if (rows - begin > size) ring.set(x.subarray(rows - size, rows))
    },
  }
}

/** Exponential average with the weight `k` for the newest value, starting with the mean of the first `period` values. Skips leading NaNs. */
export function exponential(period: number, k: number): Kernel {
  const own = new Float64Array(2)
  const keep = 1 - k
  return {
    memory: [own],
    run(inputs, outputs, rows) {
      const x = inputs[0] as Float64Array
      const y = outputs[0] as Float64Array
      let count = (own[0] as number) | 0
      let average = own[1] as number
      let row = count === 0 ? skipLeading(x, y, rows) : 0
      for (; row < rows && count < period; row++) {
        average += x[row] as number
        y[row] = Number.NaN
        if (++count < period) continue
        average /= period
        y[row] = average
      }
      const [kept, weight] = [keep, k]
      for (; row < rows; row++) {
        average = average * kept + (x[row] as number) * weight
        y[row] = average
      }
      own[0] = count
      own[1] = average
    },
  }
}

/** The usual exponential average: k = 2 / (period + 1). */
export function ema(period: number): Kernel {
  return exponential(period, 2 / (period + 1))
}

/** Mean of the last `period` values with the weights 1, 2, … period. Skips leading NaNs. */
export function wma(period: number): Kernel {
  const own = new Float64Array(4)
  const ring = new Float64Array(period)
  return {
    memory: [own, ring],
    run(inputs, outputs, rows) {
      const x = inputs[0] as Float64Array
      const y = outputs[0] as Float64Array
      const size = period | 0
      const weights = (size * (size + 1)) / 2
      let count = (own[0] as number) | 0
      let at = (own[1] as number) | 0
      let sum = own[2] as number
      let weighted = own[3] as number
      const begin = count === 0 ? skipLeading(x, y, rows) : 0
      let row = begin
      for (const end = Math.min(rows, begin + size); row < end; row++) {
        const value = x[row] as number
        if (count < size) {
          count++
          weighted += count * value
        } else weighted += size * value - sum
        sum += value - (ring[at] as number)
        ring[at] = value
        if (++at === size) at = 0
        y[row] = count < size ? Number.NaN : weighted / weights
      }
      if (row < rows) {
        for (; row < rows; row++) {
          const value = x[row] as number
          weighted += size * value - sum
          sum += value - (x[row - size] as number)
          y[row] = weighted / weights
        }
        at = 0
      }
      own[0] = count
      own[1] = at
      own[2] = sum
      own[3] = weighted
      // Call this only after the loops: values that live across a call are kept in memory, not in a register.
      if (rows - begin > size) ring.set(x.subarray(rows - size, rows))
    },
  }
}
