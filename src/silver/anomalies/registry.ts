import type { Detector } from './detector.ts'
import { isolationForest } from './isolation-forest.ts'
import { levelShift } from './level-shift.ts'
import { openGap } from './open-gap.ts'
import { returnOutlier } from './return-outlier.ts'
import { volumeOutlier } from './volume-outlier.ts'

/** Every detector. A new one is a file beside this and a line here. */
export const DETECTORS = [returnOutlier, volumeOutlier, openGap, levelShift, isolationForest] as const satisfies readonly Detector[]
