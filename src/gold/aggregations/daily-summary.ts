import { tradedNames } from '../../sources/series.ts'
import { type Aggregation, amountSum } from './aggregation.ts'

export const dailySummary = {
  id: 'daily_summary',
  meaning: 'per symbol and day: prices, amounts, return, range, average price, and the share of taker buys',
  inputs: { bars: 'klines' },
  options: {},
  sql: ({ bars = '' }, _options, market) => {
    const { amount, value, taker_amount: taker } = tradedNames(market)
    return `SELECT symbol, open_time::DATE AS day, arg_min(open, open_time) AS open, max(high) AS high, min(low) AS low, arg_max(close, open_time) AS close, ${amountSum(amount)} AS ${amount}, ${amountSum(value)} AS ${value},
        sum(trade_count)::BIGINT AS trade_count, arg_max(close, open_time) / arg_min(open, open_time) - 1 AS return, max(high) / min(low) - 1 AS range,
        CASE WHEN sum(${amount}) > 0 THEN ${amountSum(value)} / ${amountSum(amount)} END AS vwap, CASE WHEN sum(${amount}) > 0 THEN ${amountSum(taker)} / ${amountSum(amount)} END AS taker_share, count(*) AS bars_held
      FROM (${bars}) GROUP BY ALL ORDER BY symbol, day`
  },
} as const satisfies Aggregation
