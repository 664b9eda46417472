import { type Kernel, scratch } from '../indicator.ts'
import { directional } from './bars.ts'

/** Wilder's directional movement index of high, low and close, 0–100. Repeats the previous value when there is no movement. */
export function directionalIndex(period: number): Kernel {
  const kernel = directional(period)
  const own = new Float64Array(1)
  const [pluses, minuses, ranges] = scratch(3) as [Float64Array, Float64Array, Float64Array]
  return {
    memory: [own, ...kernel.memory],
    run(inputs, [output], rows) {
      kernel.run(inputs, [pluses, minuses, ranges], rows)
      const y = output as Float64Array
      let last = own[0] as number
      for (let row = 0; row < rows; row++) {
        const both = (pluses[row] as number) + (minuses[row] as number)
        if (Number.isNaN(both)) y[row] = Number.NaN
        else {
          if (both > 0) last = (100 * Math.abs((pluses[row] as number) - (minuses[row] as number))) / both
          y[row] = last
        }
      }
      own[0] = last
    },
  }
}

/** Wilder's average of the directional movement index. It starts with the mean of the first `period` values, and keeps its value when there is no movement. */
export function averageDirectionalIndex(period: number): Kernel {
  const kernel = directional(period)
  const own = new Float64Array(2)
  const [pluses, minuses, ranges] = scratch(3) as [Float64Array, Float64Array, Float64Array]
  return {
    memory: [own, ...kernel.memory],
    run(inputs, [output], rows) {
      kernel.run(inputs, [pluses, minuses, ranges], rows)
      const y = output as Float64Array
      let count = (own[0] as number) | 0
      let average = own[1] as number
      for (let row = 0; row < rows; row++) {
        const both = (pluses[row] as number) + (minuses[row] as number)
        if (Number.isNaN(both)) {
          y[row] = Number.NaN
          continue
        }
        const isMoving = both > 0
        const index = isMoving ? (100 * Math.abs((pluses[row] as number) - (minuses[row] as number))) / both : 0
        if (count < period) {
          average += index
          if (++count === period) average /= period
        } else if (isMoving) average = (average * (period - 1) + index) / period
        y[row] = count < period ? Number.NaN : average
      }
      own[0] = count
      own[1] = average
    },
  }
}

/** The share of upward (side 0) or downward (side 1) movement in the true range of high, low and close, 0–100, in Wilder's average; 0 when there is no range. */
export function directionalIndicator(period: number, side: 0 | 1): Kernel {
  const kernel = directional(period)
  const [pluses, minuses, ranges] = scratch(3) as [Float64Array, Float64Array, Float64Array]
  const moves = side === 0 ? pluses : minuses
  return {
    memory: kernel.memory,
    run(inputs, [output], rows) {
      kernel.run(inputs, [pluses, minuses, ranges], rows)
      const y = output as Float64Array
      for (let row = 0; row < rows; row++) y[row] = ranges[row] === 0 ? 0 : (100 * (moves[row] as number)) / (ranges[row] as number)
    },
  }
}
