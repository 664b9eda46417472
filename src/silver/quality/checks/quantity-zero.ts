import { columnNames, isTrades } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const quantityZero = {
  id: 'quantity_zero',
  severity: 'warning',
  dimension: 'validity',
  meaning: 'the quantity of a trade is zero',
  condition: (series) => (isTrades(series) ? `${columnNames(series, 'amount').amount} = 0` : undefined),
} as const satisfies Check
