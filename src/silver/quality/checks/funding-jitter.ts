import type { Check } from './check.ts'

export const fundingJitter = {
  id: 'funding_jitter',
  severity: 'info',
  dimension: 'consistency',
  meaning: 'the funding lies some milliseconds past the hour: floor it before you join',
  condition: ({ dataset }) => (dataset === 'fundingRate' ? 'epoch_us(calc_time) % 3600000000 BETWEEN 1 AND 999999' : undefined),
} as const satisfies Check
