import type { Detector } from './detector.ts'
import { RollingWindow } from './rolling.ts'

const WINDOW = 120
const SHORTEST = 30
const THRESHOLD = 12
const SMALLEST = 2e-3

/** The step from one close to the next open, against the steps before. */
export const openGap = {
  id: 'open_gap',
  meaning: 'the bar opens far from where the one before closed',
  parameters: { window: WINDOW, threshold: THRESHOLD, smallest: SMALLEST },
  create: () => {
    const window = new RollingWindow(WINDOW)
    let closed = Number.NaN
    return ({ open, close }) => {
      const value = Math.log(open / closed)
      closed = close
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
