import type { Detector } from './detector.ts'
import { RollingWindow } from './rolling.ts'

const WINDOW = 240
const SHORTEST = 60
const THRESHOLD = 5.5

/** A robust z-score on the logarithm of volume; bars without trades are passed over. */
export const volumeOutlier = {
  id: 'volume_outlier',
  meaning: 'many times more was traded than lately',
  parameters: { window: WINDOW, threshold: THRESHOLD },
  create: () => {
    const window = new RollingWindow(WINDOW)
    return ({ volume }) => {
      if (!(volume > 0)) return undefined
      const value = Math.log(volume)
      let score: number | undefined
      if (window.size >= SHORTEST) {
        // Half a doubling is no event, however even the volume was before.
        const z = (value - window.median()) / Math.max(window.scale(), 0.35)
        if (z > THRESHOLD) score = z
      }
      window.push(value)
      return score
    }
  },
} as const satisfies Detector
