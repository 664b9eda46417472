import type { Detector } from './detector.ts'
import { hampelFilter } from './rolling.ts'

/** Returns of quiet markets are steps of one tick: what is smaller than a thousandth is never out of the ordinary. */
const PARAMETERS = { window: 120, shortest: 30, threshold: 12, smallest: 1e-3 } as const

/** A Hampel filter on log returns. */
export const returnOutlier = {
  id: 'return_outlier',
  meaning: 'the price moved by many times what it has moved by lately',
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
