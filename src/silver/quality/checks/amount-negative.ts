import { valueColumns } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const amountNegative = {
  id: 'amount_negative',
  severity: 'error',
  dimension: 'validity',
  meaning: 'an amount is below zero',
  condition: (series) => {
    const amounts = valueColumns(series).flatMap(({ name, measure }) => (measure === 'amount' ? [name] : []))
    return amounts.length === 0 ? undefined : `least(${amounts.join(', ')}) < 0`
  },
} as const satisfies Check
