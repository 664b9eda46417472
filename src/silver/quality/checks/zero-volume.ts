import { amounts, type Check } from './check.ts'

export const zeroVolume = {
  id: 'zero_volume',
  severity: 'info',
  dimension: 'completeness',
  meaning: 'bars without a trade: a quiet market, or filler rows of an outage',
  condition: (series) => (series.dataset === 'klines' ? `${amounts(series).volume} = 0` : undefined),
} as const satisfies Check
