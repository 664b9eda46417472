import type { Detector } from './detector.ts'
import { highOutlier } from './rolling.ts'

/** Half a doubling is no event, however even the volume was before. */
const PARAMETERS = { window: 240, shortest: 60, threshold: 5.5, smallestScale: 0.35 } as const

/** A robust z-score on the logarithm of volume; bars without trades are passed over. */
export const volumeOutlier = {
  id: 'volume_outlier',
  meaning: 'many times more was traded than lately',
  sees: 'traded bars',
  parameters: PARAMETERS,
  create: () => {
    const judge = highOutlier(PARAMETERS)
    return ({ volume }) => judge(volume)
  },
} as const satisfies Detector
