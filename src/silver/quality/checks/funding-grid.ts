import type { Check } from './check.ts'

export const fundingGrid = {
  id: 'funding_grid',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the funding lies a second or more past the hours of its interval',
  condition: ({ dataset }) =>
    dataset === 'fundingRate' ? 'epoch_us(calc_time) % (funding_interval_hours * 3600000000) >= 1000000' : undefined,
} as const satisfies Check
