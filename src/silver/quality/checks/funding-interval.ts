import type { Check } from './check.ts'
import { fundingNames } from './funding.ts'

export const fundingInterval = {
  id: 'funding_interval',
  severity: 'info',
  dimension: 'consistency',
  meaning: 'the exchange changed the time between fundings',
  condition: (series) => {
    const names = fundingNames(series)
    return names && `${names.hours} <> previous_${names.hours}`
  },
  previous: (series) => {
    const names = fundingNames(series)
    return names === undefined ? [] : [names.hours]
  },
} as const satisfies Check
