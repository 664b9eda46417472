import type { Kernel } from '../indicator.ts'
import { skipLeading } from './leading.ts'

/** Up to this period, searching the whole window again is faster than a queue. */
const LOOKED_THROUGH = 32

/** The highest (or, with `sign` −1, the lowest) of the last `period` values. Skips leading NaNs. */
export function extreme(period: number, sign: 1 | -1): Kernel {
  return period <= LOOKED_THROUGH ? lookedThrough(period, sign) : queued(period, sign)
}

/** Searches the whole window when the highest value has left it. */
function lookedThrough(period: number, sign: 1 | -1): Kernel {
  const own = new Float64Array(3)
  const ring = new Float64Array(period)
  return {
    memory: [own, ring],
    run(inputs, outputs, rows) {
      const x = inputs[0] as Float64Array
      const y = outputs[0] as Float64Array
      const length = period | 0
      const turn = sign
      let seen = own[0] as number
      let best = own[1] as number
      let left = (own[2] as number) | 0
      let at = (seen % length) | 0
      for (let row = seen === 0 ? skipLeading(x, y, rows) : 0; row < rows; row++) {
        const value = (x[row] as number) * turn
        ring[at] = value
        if (++at === length) at = 0
        left--
        if (value >= best || seen === 0) {
          best = value
          left = length
        } else if (left === 0) {
          // Search from the oldest value, so that the newest of equal values stays longest.
          best = Number.NEGATIVE_INFINITY
          for (let place = at, age = 1; age <= length; age++) {
            if ((ring[place] as number) >= best) {
              best = ring[place] as number
              left = age
            }
            if (++place === length) place = 0
          }
        }
        seen++
        y[row] = seen < length ? Number.NaN : best * turn
      }
      own[0] = seen
      own[1] = best
      own[2] = left
    },
  }
}

/** Keeps a queue of the values that may still become the highest: its time per value does not grow with the period. */
function queued(period: number, sign: 1 | -1): Kernel {
  const own = new Float64Array(3)
  const values = new Float64Array(period)
  const places = new Float64Array(period)
  return {
    memory: [own, values, places],
    run(inputs, outputs, rows) {
      const x = inputs[0] as Float64Array
      const y = outputs[0] as Float64Array
      const length = period | 0
      const turn = sign
      let seen = own[0] as number
      let head = (own[1] as number) | 0
      let size = (own[2] as number) | 0
      for (let row = seen === 0 ? skipLeading(x, y, rows) : 0; row < rows; row++) {
        const value = (x[row] as number) * turn
        if (size > 0 && (places[head] as number) <= seen - length) {
          if (++head === length) head = 0
          size--
        }
        let tail = head + size
        if (tail >= length) tail -= length
        while (size > 0) {
          const last = tail === 0 ? length - 1 : tail - 1
          if ((values[last] as number) > value) break
          tail = last
          size--
        }
        values[tail] = value
        places[tail] = seen
        size++
        seen++
        y[row] = seen < length ? Number.NaN : (values[head] as number) * turn
      }
      own[0] = seen
      own[1] = head
      own[2] = size
    },
  }
}

/** The value `distance` rows before. Skips leading NaNs. */
export function lag(distance: number): Kernel {
  const own = new Float64Array(2)
  const ring = new Float64Array(distance)
  return {
    memory: [own, ring],
    run(inputs, outputs, rows) {
      const x = inputs[0] as Float64Array
      const y = outputs[0] as Float64Array
      const size = distance | 0
      let count = (own[0] as number) | 0
      let at = (own[1] as number) | 0
      const begin = count === 0 ? skipLeading(x, y, rows) : 0
      let row = begin
      for (const end = Math.min(rows, begin + size); row < end; row++) {
        y[row] = count < size ? Number.NaN : (ring[at] as number)
        ring[at] = x[row] as number
        if (++at === size) at = 0
        if (count < size) count++
      }
      if (row < rows) {
        for (let next = row; next < rows; next++) y[next] = x[next - size] as number
        at = 0
      }
      own[0] = count
      own[1] = at
      // Call this only after the loops: values that live across a call are kept in memory, not in a register.
      if (rows - begin > size) ring.set(x.subarray(rows - size, rows))
    },
  }
}

/** Sum of the last `period` values. A window of zeros has exactly the sum zero, whatever values came before. Skips leading NaNs. */
export function windowSum(period: number): Kernel {
  const own = new Float64Array(4)
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
      let zeros = own[3] as number
      const begin = count === 0 ? skipLeading(x, y, rows) : 0
      let row = begin
      for (const end = Math.min(rows, begin + size); row < end; row++) {
        const value = x[row] as number
        zeros = value === 0 ? zeros + 1 : 0
        sum = zeros >= size ? 0 : sum + (value - (ring[at] as number))
        ring[at] = value
        if (++at === size) at = 0
        if (count < size) count++
        y[row] = count < size ? Number.NaN : sum
      }
      if (row < rows) {
        for (let next = row; next < rows; next++) {
          const value = x[next] as number
          zeros = value === 0 ? zeros + 1 : 0
          sum = zeros >= size ? 0 : sum + (value - (x[next - size] as number))
          y[next] = sum
        }
        at = 0
      }
      own[0] = count
      own[1] = at
      own[2] = sum
      own[3] = zeros
      // Call this only after the loops: values that live across a call are kept in memory, not in a register.
      if (rows - begin > size) ring.set(x.subarray(rows - size, rows))
    },
  }
}

/** The sums of squares are computed again after this many windows. */
const WINDOWS_KEPT = 8

/** They are also computed again when less than this share of the largest sum is left: what was taken away leaves a rounding error of its own size. */
export const LEAST_SHARE = 1e-6

/**
 * Mean and variance (divided by the number of values minus `lost`) of the last `period` values. Sums the distances from a reference value of the series.
 * Chooses a new reference value and computes the sums again every few windows, and after a fall of the variance, so that rounding errors do not grow.
 * Equal values have a variance of exactly zero. Skips leading NaNs.
 */
export function moments(period: number, lost: 0 | 1 = 0): Kernel {
  const own = new Float64Array(9)
  const ring = new Float64Array(period)
  return {
    memory: [own, ring],
    run(inputs, outputs, rows) {
      const x = inputs[0] as Float64Array
      const mean = outputs[0] as Float64Array
      const variance = outputs[1] as Float64Array
      const size = period | 0
      const divisor = period - lost
      const kept = WINDOWS_KEPT * size
      let count = (own[0] as number) | 0
      let at = (own[1] as number) | 0
      let origin = own[2] as number
      let sum = own[3] as number
      let squares = own[4] as number
      let last = own[5] as number
      let equal = own[6] as number
      let since = (own[7] as number) | 0
      let largest = own[8] as number
      const begin = count === 0 ? skipLeading(x, mean, rows) : 0
      if (begin > 0) variance.fill(Number.NaN, 0, begin)
      if (count === 0 && begin < rows) origin = x[begin] as number
      let row = begin
      for (const end = Math.min(rows, begin + size); row < end; row++) {
        const value = x[row] as number
        const distance = value - origin
        const old = count < size ? 0 : (ring[at] as number) - origin
        sum += distance - old
        squares += distance * distance - old * old
        ring[at] = value
        if (++at === size) at = 0
        if (count < size) count++
        equal = value === last ? equal + 1 : 1
        last = value
        if (squares > largest) largest = squares
        since++
        if (since >= kept || (count >= size && equal < size && squares - (sum * sum) / size < LEAST_SHARE * largest)) {
          origin = value
          sumDistances(own, ring, at, size, origin)
          sum = own[3] as number
          squares = own[4] as number
          largest = squares
          since = 0
        }
        const middle = sum / size
        mean[row] = count < size ? Number.NaN : equal >= size ? value : origin + middle
        variance[row] = count < size ? Number.NaN : equal >= size ? 0 : Math.max(0, (squares - sum * middle) / divisor)
      }
      at = (at + Math.max(0, rows - row)) % size
      for (let next = row; next < rows; next++) {
        const value = x[next] as number
        const distance = value - origin
        const old = (x[next - size] as number) - origin
        sum += distance - old
        squares += distance * distance - old * old
        equal = value === last ? equal + 1 : 1
        last = value
        if (squares > largest) largest = squares
        since++
        if (since >= kept || (equal < size && squares - (sum * sum) / size < LEAST_SHARE * largest)) {
          origin = value
          sumDistances(own, x, next - size + 1, size, origin)
          sum = own[3] as number
          squares = own[4] as number
          largest = squares
          since = 0
        }
        const middle = sum / size
        mean[next] = equal >= size ? value : origin + middle
        variance[next] = equal >= size ? 0 : Math.max(0, (squares - sum * middle) / divisor)
      }
      own[0] = count
      own[1] = at
      own[2] = origin
      own[3] = sum
      own[4] = squares
      own[5] = last
      own[6] = equal
      own[7] = since
      own[8] = largest
      if (rows - begin > size) for (let index = 0; index < size; index++) ring[(at + index) % size] = x[rows - size + index] as number
    },
  }
}

/** Writes the sums of the distances from a reference value, and of their squares, to the memory. The values go on at the begin of the array. */
function sumDistances(own: Float64Array, values: Float64Array, first: number, size: number, origin: number): void {
  let [sum, squares] = [0, 0]
  for (let index = first; index < first + size; index++) {
    const distance = (values[index % values.length] as number) - origin
    sum += distance
    squares += distance * distance
  }
  own[3] = sum
  own[4] = squares
}
