import { columnNames, contractOf, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const stalePrice = {
  id: 'stale_price',
  severity: 'warning',
  dimension: 'accuracy',
  meaning: 'sixty or more consecutive bars of a computed price stand still: the exchange had stopped to compute it',
  condition: (series) => {
    if (contractOf(series).kind !== 'bars' || isTradedBars(series)) return undefined
    const { open, high, low, close } = columnNames(series, 'open', 'high', 'low', 'close')
    return `${open} = ${high} AND ${high} = ${low} AND ${low} = ${close} AND ${open} = previous_${close} AND ${close} <> 0`
  },
  previous: (series) => (contractOf(series).kind !== 'bars' || isTradedBars(series) ? [] : Object.values(columnNames(series, 'close'))),
  least: 60,
} as const satisfies Check
