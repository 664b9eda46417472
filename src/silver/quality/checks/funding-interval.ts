import type { Check } from './check.ts'

export const fundingInterval = {
  id: 'funding_interval',
  severity: 'info',
  dimension: 'consistency',
  meaning: 'the time between fundings was changed by the exchange',
  condition: ({ dataset }) => (dataset === 'fundingRate' ? 'funding_interval_hours <> previous_funding_interval_hours' : undefined),
  previous: ({ dataset }) => (dataset === 'fundingRate' ? ['funding_interval_hours'] : []),
} as const satisfies Check
