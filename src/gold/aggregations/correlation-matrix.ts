import type { Aggregation } from './aggregation.ts'

export const correlationMatrix = {
  id: 'correlation_matrix',
  meaning: 'the correlation of log returns for each pair of symbols and month, over the periods that both symbols have',
  inputs: { bars: 'klines' },
  options: { minutes: 60 },
  sql: ({ bars = '' }, { minutes = 60 }) => `
    WITH periods AS (SELECT symbol, time_bucket(to_minutes(${minutes}), open_time) AS slot, arg_max(close, open_time) AS close FROM (${bars}) GROUP BY ALL),
      moves AS (SELECT symbol, slot, ln(close / lag(close) OVER (PARTITION BY symbol ORDER BY slot)) AS move FROM periods WHERE close > 0)
      SELECT date_trunc('month', a.slot) AS open_time, a.symbol, b.symbol AS other, corr(a.move, b.move) AS correlation, count(*) AS periods FROM moves a JOIN moves b ON b.slot = a.slot AND b.symbol > a.symbol
      WHERE a.move IS NOT NULL AND b.move IS NOT NULL GROUP BY ALL HAVING count(*) > 2 ORDER BY open_time, a.symbol, other`,
} as const satisfies Aggregation
