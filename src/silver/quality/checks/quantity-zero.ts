import type { Check } from './check.ts'

export const quantityZero = {
  id: 'quantity_zero',
  severity: 'warning',
  dimension: 'validity',
  meaning: 'a trade of nothing',
  condition: ({ dataset, market }) => {
    if (dataset !== 'trades' && dataset !== 'aggTrades') return undefined
    return `${market === 'cm' ? 'contracts' : dataset === 'trades' ? 'qty' : 'quantity'} = 0`
  },
} as const satisfies Check
