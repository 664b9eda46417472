import type { Kernel } from '../indicator.ts'

/**
 * Volume-weighted mean of the typical price since the last anchor. A new anchor starts when `periodOf` of the time changes. There is no value before the period `from`.
 * NaN until the first trade. Inputs: time, high, low, close, volume.
 */
export function anchored(periodOf: (time: number) => number, from = Number.NEGATIVE_INFINITY): Kernel {
  const own = new Float64Array(4)
  return {
    memory: [own],
    run([times, highs, lows, closes, volumes], [output], rows) {
      const [time, high, low, close, volume, y] = [times, highs, lows, closes, volumes, output] as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ]
      let period = own[0] === 0 ? Number.NaN : (own[1] as number)
      let value = own[2] as number
      let amount = own[3] as number
      for (let row = 0; row < rows; row++) {
        const now = periodOf(time[row] as number)
        if (now !== period) {
          period = now
          value = 0
          amount = 0
        }
        const traded = volume[row] as number
        value += (((high[row] as number) + (low[row] as number) + (close[row] as number)) / 3) * traded
        amount += traded
        y[row] = amount > 0 && now >= from ? value / amount : Number.NaN
      }
      own[0] = 1
      own[1] = period
      own[2] = value
      own[3] = amount
    },
  }
}
