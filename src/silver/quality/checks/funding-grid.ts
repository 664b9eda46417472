import type { Check } from './check.ts'
import { fundingNames } from './funding.ts'

export const fundingGrid = {
  id: 'funding_grid',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the funding is a second or more after the hours of its interval',
  condition: (series) => {
    const names = fundingNames(series)
    return names && `epoch_us(${names.time}) % (${names.hours} * 3600000000) >= 1000000`
  },
} as const satisfies Check
