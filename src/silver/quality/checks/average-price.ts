import { columnNames, isCountedInBase, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const averagePrice = {
  id: 'average_price',
  severity: 'warning',
  dimension: 'accuracy',
  meaning: 'what was paid for what was traded lies outside of low and high',
  condition: (series) => {
    if (!isTradedBars(series) || !isCountedInBase(series)) return undefined
    const { low, high, amount, value, trade_count: count } = columnNames(series, 'low', 'high', 'amount', 'value', 'trade_count')
    // What is paid is cut to 8 decimals trade by trade, and prices and amounts have 8 themselves.
    const slack = `(${high} + ${count} + 1) * 1e-8`
    return `${amount} > 0 AND (${value} < ${low} * ${amount} * (1 - 1e-9) - ${slack} OR ${value} > ${high} * ${amount} * (1 + 1e-9) + ${slack})`
  },
} as const satisfies Check
