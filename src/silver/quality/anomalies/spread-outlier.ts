import type { Detector } from './detector.ts'
import { highOutlier } from './rolling.ts'

const PARAMETERS = { window: 500, shortest: 100, threshold: 6, smallestScale: 0.35 } as const

/** A robust z-score on the logarithm of the spread relative to the middle. */
export const spreadOutlier = {
  id: 'spread_outlier',
  meaning: 'bid and ask lie many times further apart than lately',
  sees: 'quotes',
  parameters: PARAMETERS,
  create: () => {
    const judge = highOutlier(PARAMETERS)
    return ({ bid, ask }) => judge((2 * (ask - bid)) / (ask + bid))
  },
} as const satisfies Detector
