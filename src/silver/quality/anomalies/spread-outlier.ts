import type { Detector } from './detector.ts'
import { highOutlier } from './rolling.ts'

const PARAMETERS = { window: 500, shortest: 100, threshold: 6, smallestScale: 0.35 } as const

/** A robust z-score on the logarithm of the spread relative to the mid price. */
export const spreadOutlier = {
  id: 'spread_outlier',
  meaning: 'the spread between bid and ask is many times wider than usual',
  sees: 'quotes',
  parameters: PARAMETERS,
  create: () => {
    const judge = highOutlier(PARAMETERS)
    return ({ bid, ask }) => judge((2 * (ask - bid)) / (ask + bid))
  },
} as const satisfies Detector
