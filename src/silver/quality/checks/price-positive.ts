import type { Check } from './check.ts'

export const pricePositive = {
  id: 'price_positive',
  severity: 'error',
  dimension: 'validity',
  meaning: 'a price is not above zero',
  condition: ({ dataset }) =>
    ({
      klines: 'least(open, high, low, close) <= 0',
      markPriceKlines: 'least(open, high, low, close) <= 0',
      indexPriceKlines: 'least(open, high, low, close) <= 0',
      trades: 'price <= 0',
      aggTrades: 'price <= 0',
      bookTicker: 'least(best_bid_price, best_ask_price) <= 0',
      liquidationSnapshot: 'price <= 0',
      BVOLIndex: 'index_value <= 0',
      EOHSummary: 'least(open, high, low, close, mark_price) < 0',
    })[dataset as string],
} as const satisfies Check
