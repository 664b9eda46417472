import type { Check } from './check.ts'

export const bookCrossed = {
  id: 'book_crossed',
  severity: 'error',
  dimension: 'validity',
  meaning: 'the best bid is not below the best ask',
  condition: ({ dataset }) => (dataset === 'bookTicker' ? 'best_bid_price >= best_ask_price' : undefined),
} as const satisfies Check
