import type { Check } from './check.ts'
import { fundingNames } from './funding.ts'

export const fundingJitter = {
  id: 'funding_jitter',
  severity: 'info',
  dimension: 'consistency',
  meaning: 'the funding is some milliseconds after the hour: round it down before a join',
  condition: (series) => {
    const names = fundingNames(series)
    return names && `epoch_us(${names.time}) % 3600000000 BETWEEN 1 AND 999999`
  },
} as const satisfies Check
