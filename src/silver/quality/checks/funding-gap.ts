import type { Check } from './check.ts'

export const fundingGap = {
  id: 'funding_gap',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'fundings are missing: more time lies before this one than its interval',
  condition: ({ dataset }) =>
    dataset === 'fundingRate'
      ? 'round((epoch_us(calc_time) - epoch_us(previous_calc_time)) / 3600e6) > greatest(funding_interval_hours, previous_funding_interval_hours)'
      : undefined,
  previous: ({ dataset }) => (dataset === 'fundingRate' ? ['calc_time', 'funding_interval_hours'] : []),
  missing: () =>
    'greatest(round((epoch_us(calc_time) - epoch_us(previous_calc_time)) / 3600e6 / greatest(funding_interval_hours, previous_funding_interval_hours)) - 1, 1)::BIGINT',
} as const satisfies Check
