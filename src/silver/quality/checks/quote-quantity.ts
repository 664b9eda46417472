import { findNames, isCountedInBase, isTrades } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const quoteQuantity = {
  id: 'quote_quantity',
  severity: 'warning',
  dimension: 'accuracy',
  meaning: 'price × quantity differs from the quote quantity',
  condition: (series) => {
    const names = findNames(series, 'price', 'amount', 'value')
    if (names === undefined || !isTrades(series) || !isCountedInBase(series)) return undefined
    const { price, amount, value } = names
    return `abs(${price} * ${amount} - ${value}) > greatest(1e-7, 1e-9 * ${value})`
  },
} as const satisfies Check
