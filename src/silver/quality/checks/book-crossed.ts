import { columnNames, contractOf } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const bookCrossed = {
  id: 'book_crossed',
  severity: 'error',
  dimension: 'validity',
  meaning: 'the best bid is not below the best ask',
  condition: (series) => {
    if (contractOf(series).kind !== 'quotes') return undefined
    const { bid_price: bid, ask_price: ask } = columnNames(series, 'bid_price', 'ask_price')
    return `${bid} >= ${ask}`
  },
} as const satisfies Check
