import type { Aggregation } from './aggregation.ts'

export const openInterest = {
  id: 'open_interest',
  meaning: 'open interest at the end of each period, its change, and the ratios of longs to shorts and of takers',
  inputs: { metrics: 'metrics' },
  options: { minutes: 60 },
  sql: ({ metrics = '' }, { minutes = 60 }) => `
    WITH periods AS (SELECT symbol, time_bucket(to_minutes(${minutes}), create_time) AS open_time, arg_max(sum_open_interest, create_time) AS open_interest, arg_max(sum_open_interest_value, create_time) AS open_interest_value,
        arg_max(count_toptrader_long_short_ratio, create_time) AS top_trader_ratio, arg_max(count_long_short_ratio, create_time) AS account_ratio, avg(sum_taker_long_short_vol_ratio) AS taker_ratio FROM (${metrics}) GROUP BY ALL)
      SELECT *, open_interest / lag(open_interest) OVER (PARTITION BY symbol ORDER BY open_time) - 1 AS change FROM periods ORDER BY symbol, open_time`,
} as const satisfies Aggregation
