import { tradedNames } from '../../sources/series.ts'
import { type Aggregation, amountSum } from './aggregation.ts'

export const orderFlow = {
  id: 'order_flow',
  meaning:
    'taker buys minus taker sells per period: the amount, its share of the traded amount, and its sum since the start of the day (UTC)',
  inputs: { bars: 'klines' },
  options: { minutes: 60 },
  sql: ({ bars = '' }, { minutes = 60 }, market) => {
    const { amount, taker_amount: taker } = tradedNames(market)
    return `WITH periods AS (SELECT symbol, time_bucket(to_minutes(${minutes}), open_time) AS open_time, ${amountSum(amount)} AS traded, ${amountSum(`2 * ${taker} - ${amount}`)} AS delta FROM (${bars}) GROUP BY ALL)
      SELECT symbol, open_time, traded, delta, CASE WHEN traded > 0 THEN delta / traded END AS imbalance, round(sum(delta) OVER (PARTITION BY symbol, open_time::DATE ORDER BY open_time), 8) AS cumulative_delta FROM periods ORDER BY symbol, open_time`
  },
} as const satisfies Aggregation
