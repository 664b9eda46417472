import { amounts, type Check } from './check.ts'

export const amountNegative = {
  id: 'amount_negative',
  severity: 'error',
  dimension: 'validity',
  meaning: 'an amount is below zero',
  condition: (series) => {
    const { volume, value, takerVolume, takerValue } = amounts(series)
    const coin = series.market === 'cm'
    return {
      klines: `least(${volume}, ${value}, ${takerVolume}, ${takerValue}, trade_count) < 0`,
      trades: coin ? 'least(contracts, base_qty) < 0' : 'least(qty, quote_qty) < 0',
      aggTrades: coin ? 'contracts < 0' : 'quantity < 0',
      metrics: 'least(sum_open_interest, sum_open_interest_value) < 0',
      bookDepth: 'least(depth, notional) < 0',
      bookTicker: 'least(best_bid_qty, best_ask_qty) < 0',
      EOHSummary: 'least(volume_contracts, open_interest_contracts) < 0',
    }[series.dataset as string]
  },
} as const satisfies Check
