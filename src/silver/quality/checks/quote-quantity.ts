import type { Check } from './check.ts'

export const quoteQuantity = {
  id: 'quote_quantity',
  severity: 'warning',
  dimension: 'accuracy',
  meaning: 'price × quantity is not what was paid',
  condition: ({ dataset, market }) =>
    dataset === 'trades' && market !== 'cm' ? 'abs(price * qty - quote_qty) > greatest(1e-7, 1e-9 * quote_qty)' : undefined,
} as const satisfies Check
