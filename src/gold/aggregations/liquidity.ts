import type { Aggregation } from './aggregation.ts'

export const liquidity = {
  id: 'liquidity',
  meaning:
    'what lies in the book within each distance from the price, in the mean of each period: bids, asks, and how far bids outweigh asks (−1 to 1)',
  inputs: { depth: 'bookDepth' },
  options: { minutes: 60 },
  sql: ({ depth = '' }, { minutes = 60 }) => `
    WITH sides AS (SELECT symbol, time_bucket(to_minutes(${minutes}), timestamp) AS open_time, abs(percentage) AS percent, avg(notional) FILTER (percentage < 0) AS bids, avg(notional) FILTER (percentage > 0) AS asks, count(DISTINCT timestamp) AS snapshots FROM (${depth}) GROUP BY ALL)
      SELECT *, (bids - asks) / nullif(bids + asks, 0) AS imbalance FROM sides ORDER BY symbol, open_time, percent`,
} as const satisfies Aggregation
