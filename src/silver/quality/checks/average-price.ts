import type { Check } from './check.ts'

export const averagePrice = {
  id: 'average_price',
  severity: 'warning',
  dimension: 'accuracy',
  meaning: 'what was paid for what was traded lies outside of low and high',
  condition: ({ dataset, market }) => {
    if (dataset !== 'klines' || market === 'cm') return undefined
    // What is paid is cut to 8 decimals trade by trade, and prices and amounts have 8 themselves.
    const slack = '(high + trade_count + 1) * 1e-8'
    return `volume > 0 AND (quote_volume < low * volume * (1 - 1e-9) - ${slack} OR quote_volume > high * volume * (1 + 1e-9) + ${slack})`
  },
} as const satisfies Check
