import { columnNames, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const zeroVolume = {
  id: 'zero_volume',
  severity: 'info',
  dimension: 'completeness',
  meaning: 'bars have no trades: a quiet market, or filler rows of an outage',
  condition: (series) => (isTradedBars(series) ? `${columnNames(series, 'amount').amount} = 0` : undefined),
} as const satisfies Check
