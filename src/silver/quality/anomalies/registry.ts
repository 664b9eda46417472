import type { Detector } from './detector.ts'
import { isolationForest } from './isolation-forest.ts'
import { levelShift } from './level-shift.ts'
import { openGap } from './open-gap.ts'
import { returnOutlier } from './return-outlier.ts'
import { spreadOutlier } from './spread-outlier.ts'
import { tradeOutlier } from './trade-outlier.ts'
import { volumeOutlier } from './volume-outlier.ts'

/** Every detector. A new detector needs a file in this folder and a line here. */
export const DETECTORS: readonly Detector[] = [
  returnOutlier,
  volumeOutlier,
  openGap,
  levelShift,
  isolationForest,
  tradeOutlier,
  spreadOutlier,
] as const satisfies readonly Detector[]
