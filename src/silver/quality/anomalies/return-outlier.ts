import type { Detector } from './detector.ts'
import { hampelFilter } from './rolling.ts'

/** Returns in quiet markets are steps of one tick, so a return below a thousandth is never unusual. */
const PARAMETERS = { window: 120, shortest: 30, threshold: 12, smallest: 1e-3 } as const

/** A Hampel filter on log returns. */
export const returnOutlier = {
  id: 'return_outlier',
  meaning: 'the price moved many times more than usual',
  sees: 'bars',
  parameters: PARAMETERS,
  create: () => {
    const filter = hampelFilter(PARAMETERS)
    let before = Number.NaN
    return ({ close }) => {
      const value = Math.log(close / before)
      before = close
      return filter(value)
    }
  },
} as const satisfies Detector
