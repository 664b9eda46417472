import { amounts, type Check } from './check.ts'

export const countVolume = {
  id: 'count_volume',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'there are trades without volume, or volume without trades',
  condition: (series) => (series.dataset === 'klines' ? `(trade_count = 0) <> (${amounts(series).volume} = 0)` : undefined),
} as const satisfies Check
