import type { Check } from './check.ts'
import { fundingNames } from './funding.ts'

export const fundingTwice = {
  id: 'funding_twice',
  severity: 'error',
  dimension: 'uniqueness',
  meaning: 'this funding is seconds or minutes after the one before: both are one funding, so use only one of them',
  condition: (series) => {
    const names = fundingNames(series)
    return names && `epoch_us(${names.time}) - epoch_us(previous_${names.time}) < 1800000000`
  },
  previous: (series) => {
    const names = fundingNames(series)
    return names === undefined ? [] : [names.time]
  },
} as const satisfies Check
