import type { Check } from './check.ts'

export const tradeChain = {
  id: 'trade_chain',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the first trade does not follow the last one of the row before, or comes after the last of its own',
  condition: ({ dataset }) =>
    dataset === 'aggTrades'
      ? 'last_trade_id < first_trade_id OR (agg_trade_id = previous_agg_trade_id + 1 AND first_trade_id <> previous_last_trade_id + 1)'
      : undefined,
  previous: ({ dataset }) => (dataset === 'aggTrades' ? ['agg_trade_id', 'last_trade_id'] : []),
} as const satisfies Check
