import { columnNames, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const flatRun = {
  id: 'flat_run',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'five or more consecutive bars have no trades and one price: filler rows of an outage, or an inactive market',
  condition: (series) => {
    if (!isTradedBars(series)) return undefined
    const { amount, open, high, low, close } = columnNames(series, 'amount', 'open', 'high', 'low', 'close')
    return `${amount} = 0 AND ${open} = ${high} AND ${high} = ${low} AND ${low} = ${close} AND ${open} = previous_${close}`
  },
  previous: (series) => (isTradedBars(series) ? Object.values(columnNames(series, 'close')) : []),
  least: 5,
} as const satisfies Check
