import type { Detector } from './detector.ts'
import { RollingWindow } from './rolling.ts'

/** `granularity` is a share of the price, because in quiet markets one tick is many deviations. */
const PARAMETERS = { window: 50, deviations: 10, granularity: 5e-4 } as const

/**
 * Reports a trade whose price is further from the median of the trades before it than c deviations plus the granularity (Brownlees, Gallo 2006). Unlike there, the
 * median and its deviation replace the trimmed mean and standard deviation, and later trades do not count. A deviation is at least the smallest price step seen.
 */
export const tradeOutlier = {
  id: 'trade_outlier',
  meaning: 'the price of the trade is far from the prices of the trades before',
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
        // Most trades are within the granularity, so the deviation is computed only for the others.
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
