import type { Detector } from './detector.ts'
import { RollingWindow } from './rolling.ts'

const WINDOW = 120
const SHORTEST = 30
const THRESHOLD = 12
/** Returns of quiet markets are steps of one tick: what is smaller is never out of the ordinary. */
const SMALLEST = 1e-3

/** A Hampel filter on log returns (Hampel 1974; Pearson 2002), over what came before. */
export const returnOutlier = {
  id: 'return_outlier',
  meaning: 'the price moved by many times what it has moved by lately',
  parameters: { window: WINDOW, threshold: THRESHOLD, smallest: SMALLEST },
  create: () => {
    const window = new RollingWindow(WINDOW)
    let before = Number.NaN
    return ({ close }) => {
      const value = Math.log(close / before)
      before = close
      if (!Number.isFinite(value)) return undefined
      let score: number | undefined
      if (window.size >= SHORTEST) {
        const deviation = Math.abs(value - window.median())
        const scale = Math.max(window.scale(), SMALLEST / THRESHOLD)
        if (deviation > THRESHOLD * scale) score = deviation / scale
      }
      window.push(value)
      return score
    }
  },
} as const satisfies Detector
