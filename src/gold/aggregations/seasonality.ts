import { tradedNames } from '../../sources/series.ts'
import type { Aggregation } from './aggregation.ts'

export const seasonality = {
  id: 'seasonality',
  meaning:
    'per month, weekday (1 Monday to 7 Sunday, UTC) and hour: mean and deviation of the return, mean traded value, and number of hours',
  inputs: { bars: 'klines' },
  options: {},
  minutes: 60,
  sql: ({ bars = '' }, _options, market) => {
    const { value } = tradedNames(market)
    return `WITH hours AS (SELECT symbol, date_trunc('hour', open_time) AS slot, arg_max(close, open_time) / arg_min(open, open_time) - 1 AS return, sum(${value}) AS traded FROM (${bars}) GROUP BY ALL)
      SELECT symbol, date_trunc('month', slot) AS open_time, isodow(slot) AS weekday, hour(slot) AS hour, avg(return) AS mean_return, stddev_samp(return) AS deviation, avg(traded) AS mean_traded, count(*) AS hours FROM hours GROUP BY ALL ORDER BY ALL`
  },
} as const satisfies Aggregation
