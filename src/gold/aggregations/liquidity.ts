import { columnNames } from '../../sources/series.ts'
import type { Aggregation } from './aggregation.ts'

export const liquidity = {
  id: 'liquidity',
  meaning: 'the mean depth of the book per period and distance from the price: bids, asks, and their imbalance (−1 all asks, 1 all bids)',
  inputs: { depth: 'bookDepth' },
  options: { minutes: 60 },
  sql: ({ depth = '' }, { minutes = 60 }, market) => {
    const { event_time: at, band, value } = columnNames({ ...market, dataset: 'bookDepth' }, 'event_time', 'band', 'value')
    return `
    WITH sides AS (SELECT symbol, time_bucket(to_minutes(${minutes}), ${at}) AS open_time, abs(${band}) AS percent, avg(${value}) FILTER (${band} < 0) AS bids, avg(${value}) FILTER (${band} > 0) AS asks, count(DISTINCT ${at}) AS snapshots FROM (${depth}) GROUP BY ALL)
      SELECT *, (bids - asks) / nullif(bids + asks, 0) AS imbalance FROM sides ORDER BY symbol, open_time, percent`
  },
} as const satisfies Aggregation
