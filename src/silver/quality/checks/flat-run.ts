import { amounts, type Check } from './check.ts'

export const flatRun = {
  id: 'flat_run',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'five bars or more in a row without a trade and at one price: filler rows of an outage, or a market that nobody trades',
  condition: (series) =>
    series.dataset === 'klines'
      ? `${amounts(series).volume} = 0 AND open = high AND high = low AND low = close AND open = previous_close`
      : undefined,
  previous: ({ dataset }) => (dataset === 'klines' ? ['close'] : []),
  least: 5,
} as const satisfies Check
