import { columnNames, isCountedInBase, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const averagePrice = {
  id: 'average_price',
  severity: 'warning',
  dimension: 'accuracy',
  meaning: 'the average price (quote value / amount) is outside low and high',
  condition: (series) => {
    if (!isTradedBars(series) || !isCountedInBase(series)) return undefined
    const { low, high, amount, value, trade_count: count } = columnNames(series, 'low', 'high', 'amount', 'value', 'trade_count')
    // The quote value is truncated to 8 decimals for each trade, and prices and amounts have 8 decimals themselves.
    const slack = `(${high} + ${count} + 1) * 1e-8`
    return `${amount} > 0 AND (${value} < ${low} * ${amount} * (1 - 1e-9) - ${slack} OR ${value} > ${high} * ${amount} * (1 + 1e-9) + ${slack})`
  },
} as const satisfies Check
