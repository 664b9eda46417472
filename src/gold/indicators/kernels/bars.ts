import type { Kernel } from '../indicator.ts'

/** (high + low + close) / 3 of each row. */
export function typicalPrices(high: Float64Array, low: Float64Array, close: Float64Array, output: Float64Array, rows: number): void {
  for (let row = 0; row < rows; row++) output[row] = ((high[row] as number) + (low[row] as number) + (close[row] as number)) / 3
}

/**
 * Wilder's directional movement of high, low and close over `period`: smoothed +DM, −DM and true range, as sums over the period.
 * The first `period` − 1 movements are only added; the next movement is the first smoothed one and gives the first value.
 */
export function directional(period: number): Kernel {
  const own = new Float64Array(7)
  const keep = 1 - 1 / period
  return {
    memory: [own],
    run([highs, lows, closes], [pluses, minuses, ranges], rows) {
      const [high, low, close] = [highs as Float64Array, lows as Float64Array, closes as Float64Array]
      const [plusOut, minusOut, rangeOut] = [pluses as Float64Array, minuses as Float64Array, ranges as Float64Array]
      let count = (own[0] as number) | 0
      let top = own[1] as number
      let bottom = own[2] as number
      let before = own[3] as number
      let plus = own[4] as number
      let minus = own[5] as number
      let range = own[6] as number
      for (let row = 0; row < rows; row++) {
        const h = high[row] as number
        const l = low[row] as number
        if (count > 0) {
          const up = h - top
          const down = bottom - l
          const plusMove = up > down && up > 0 ? up : 0
          const minusMove = down > up && down > 0 ? down : 0
          const move = Math.max(before, h) - Math.min(before, l)
          const kept = count < period ? 1 : keep
          plus = plus * kept + plusMove
          minus = minus * kept + minusMove
          range = range * kept + move
        }
        top = h
        bottom = l
        before = close[row] as number
        const isReady = count >= period
        plusOut[row] = isReady ? plus : Number.NaN
        minusOut[row] = isReady ? minus : Number.NaN
        rangeOut[row] = isReady ? range : Number.NaN
        count++
      }
      own[0] = count
      own[1] = top
      own[2] = bottom
      own[3] = before
      own[4] = plus
      own[5] = minus
      own[6] = range
    },
  }
}

/** Wilder's average of the true range of high, low and close; it starts with the mean of the first `period` true ranges. */
export function averageTrueRange(period: number): Kernel {
  const own = new Float64Array(3)
  const [keep, share] = [1 - 1 / period, 1 / period]
  return {
    memory: [own],
    run([highs, lows, closes], [output], rows) {
      const [high, low, close, y] = [highs, lows, closes, output] as [Float64Array, Float64Array, Float64Array, Float64Array]
      let count = (own[0] as number) | 0
      let before = own[1] as number
      let average = own[2] as number
      let row = 0
      for (; row < rows && count <= period; row++, count++) {
        if (count > 0) average += Math.max(high[row] as number, before) - Math.min(low[row] as number, before)
        if (count === period) average /= period
        y[row] = count === period ? average : Number.NaN
        before = close[row] as number
      }
      for (let next = row; next < rows; next++) {
        const top = high[next] as number
        const bottom = low[next] as number
        const range = Math.max(before, top) - Math.min(before, bottom)
        average = average * keep + range * share
        y[next] = average
        before = close[next] as number
      }
      own[0] = count
      own[1] = before
      own[2] = average
    },
  }
}
