import { valueColumns } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const pricePositive = {
  id: 'price_positive',
  severity: 'error',
  dimension: 'validity',
  meaning: 'a price is not above zero',
  condition: (series) => {
    const prices = valueColumns(series).filter(({ measure }) => measure === 'price')
    const broken = [true, undefined].flatMap((positive) => {
      const names = prices.flatMap((column) => (column.positive === positive ? [column.name] : []))
      return names.length === 0 ? [] : [`least(${names.join(', ')}) ${positive === true ? '<=' : '<'} 0`]
    })
    return broken.length === 0 ? undefined : broken.join(' OR ')
  },
} as const satisfies Check
