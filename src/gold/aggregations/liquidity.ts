import { columnNames } from '../../sources/series.ts'
import type { Aggregation } from './aggregation.ts'

export const liquidity = {
  id: 'liquidity',
  meaning:
    'what lies in the book within each distance from the price, in the mean of each period: bids, asks, and how far bids outweigh asks (−1 to 1)',
  inputs: { depth: 'bookDepth' },
  options: { minutes: 60 },
  sql: ({ depth = '' }, { minutes = 60 }, market) => {
    const { event_time: at, band, value } = columnNames({ ...market, dataset: 'bookDepth' }, 'event_time', 'band', 'value')
    return `
    WITH sides AS (SELECT symbol, time_bucket(to_minutes(${minutes}), ${at}) AS open_time, abs(${band}) AS percent, avg(${value}) FILTER (${band} < 0) AS bids, avg(${value}) FILTER (${band} > 0) AS asks, count(DISTINCT ${at}) AS snapshots FROM (${depth}) GROUP BY ALL)
      SELECT *, (bids - asks) / nullif(bids + asks, 0) AS imbalance FROM sides ORDER BY symbol, open_time, percent`
  },
} as const satisfies Aggregation
