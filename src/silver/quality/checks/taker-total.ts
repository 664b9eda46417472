import { columnNames, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const takerTotal = {
  id: 'taker_total',
  severity: 'error',
  dimension: 'consistency',
  meaning: 'the taker buy volume is larger than the total volume',
  condition: (series) => {
    if (!isTradedBars(series)) return undefined
    const names = columnNames(series, 'amount', 'value', 'taker_amount', 'taker_value')
    return `${names.taker_amount} > ${names.amount} OR ${names.taker_value} > ${names.value}`
  },
} as const satisfies Check
