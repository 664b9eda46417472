import type { Detector } from './detector.ts'
import { RollingWindow } from './rolling.ts'

/** `granularity` is a share of the price: in quiet markets one tick is many deviations. */
const PARAMETERS = { window: 50, deviations: 10, granularity: 5e-4 } as const

/**
 * A trade is told whose price lies more than c deviations and the granularity from the median of the trades before it (Brownlees, Gallo 2006, with the median and its deviation in the
 * place of the trimmed mean and standard deviation, and without the trades that come after). A deviation is never less than the smallest step of the price that was seen.
 */
export const tradeOutlier = {
  id: 'trade_outlier',
  meaning: 'the trade lies far from the prices of those before it',
  sees: 'trades',
  parameters: PARAMETERS,
  create: () => {
    const { window: length, deviations, granularity } = PARAMETERS
    const window = new RollingWindow(length)
    let tick = Number.POSITIVE_INFINITY
    let last = Number.NaN
    return ({ price }) => {
      if (!(price > 0)) return undefined
      let score: number | undefined
      if (window.size >= length) {
        const median = window.median()
        const beyond = Math.abs(price - median) - granularity * median
        // Most trades lie within the granularity: the deviation of the others alone is asked for.
        if (beyond > 0) {
          const scale = Math.max(window.scale(), tick)
          if (beyond > deviations * scale) score = Math.abs(price - median) / scale
        }
      }
      const step = Math.abs(price - last)
      if (step > 0 && step < tick) tick = step
      last = price
      window.push(price)
      return score
    }
  },
} as const satisfies Detector
