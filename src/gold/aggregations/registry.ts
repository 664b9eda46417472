import type { Aggregation } from './aggregation.ts'
import { basis } from './basis.ts'
import { correlationMatrix } from './correlation-matrix.ts'
import { crossSection } from './cross-section.ts'
import { dailySummary } from './daily-summary.ts'
import { liquidity } from './liquidity.ts'
import { openInterest } from './open-interest.ts'
import { orderFlow } from './order-flow.ts'
import { seasonality } from './seasonality.ts'
import { volumeProfile } from './volume-profile.ts'

/** Every aggregation. To add one, add a file to this folder and a line here. */
export const AGGREGATIONS: readonly Aggregation[] = [
  dailySummary,
  volumeProfile,
  orderFlow,
  basis,
  openInterest,
  crossSection,
  correlationMatrix,
  seasonality,
  liquidity,
]
