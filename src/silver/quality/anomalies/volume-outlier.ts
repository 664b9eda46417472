import type { Detector } from './detector.ts'
import { highOutlier } from './rolling.ts'

/** A change by less than half a doubling is never unusual, however constant the volume was before. */
const PARAMETERS = { window: 240, shortest: 60, threshold: 5.5, smallestScale: 0.35 } as const

/** A robust z-score on the logarithm of volume. Bars without trades are skipped. */
export const volumeOutlier = {
  id: 'volume_outlier',
  meaning: 'the volume is many times larger than usual',
  sees: 'traded bars',
  parameters: PARAMETERS,
  create: () => {
    const judge = highOutlier(PARAMETERS)
    return ({ volume }) => judge(volume)
  },
} as const satisfies Detector
