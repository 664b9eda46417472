import type { Role } from '../../datasets/contract.ts'
import { columnNames } from '../../sources/series.ts'
import type { Aggregation } from './aggregation.ts'

const ROLES = [
  'event_time',
  'open_interest',
  'open_interest_value',
  'top_trader_ratio',
  'account_ratio',
  'taker_ratio',
] as const satisfies Role[]

export const openInterest = {
  id: 'open_interest',
  meaning: 'open interest at the end of each period, its change, the ratios of longs to shorts, and the taker ratio',
  inputs: { metrics: 'metrics' },
  options: { minutes: 60 },
  sql: ({ metrics = '' }, { minutes = 60 }, market) => {
    const names = columnNames({ ...market, dataset: 'metrics' }, ...ROLES)
    const at = names.event_time
    const last = (role: (typeof ROLES)[number]) => `arg_max(${names[role]}, ${at}) AS ${role}`
    return `
    WITH periods AS (SELECT symbol, time_bucket(to_minutes(${minutes}), ${at}) AS open_time, ${last('open_interest')}, ${last('open_interest_value')},
        ${last('top_trader_ratio')}, ${last('account_ratio')}, avg(${names.taker_ratio}) AS taker_ratio FROM (${metrics}) GROUP BY ALL)
      SELECT *, open_interest / lag(open_interest) OVER (PARTITION BY symbol ORDER BY open_time) - 1 AS change FROM periods ORDER BY symbol, open_time`
  },
} as const satisfies Aggregation
