import { columnNames, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const countVolume = {
  id: 'count_volume',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the bar has trades without volume, or volume without trades',
  condition: (series) => {
    if (!isTradedBars(series)) return undefined
    const { amount, trade_count: count } = columnNames(series, 'amount', 'trade_count')
    return `(${count} = 0) <> (${amount} = 0)`
  },
} as const satisfies Check
