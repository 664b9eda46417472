import type { Series } from '../../../sources/series.ts'
import type { Check } from './check.ts'
import { fundingNames } from './funding.ts'

export const fundingGap = {
  id: 'funding_gap',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'fundings are missing: the time since the last funding is longer than the interval',
  condition: (series) => {
    const between = hoursBetween(series)
    return between === undefined ? undefined : `round(${between.passed}) > ${between.interval}`
  },
  previous: (series) => Object.values(fundingNames(series) ?? {}),
  missing: (series) => {
    const between = hoursBetween(series)
    return between === undefined ? '0' : `greatest(round(${between.passed} / ${between.interval}) - 1, 1)::BIGINT`
  },
} as const satisfies Check

/** SQL of the hours since the last funding, and of the longer of the two intervals. */
function hoursBetween(series: Series): { readonly passed: string; readonly interval: string } | undefined {
  const names = fundingNames(series)
  if (names === undefined) return undefined
  const { time, hours } = names
  return {
    passed: `(epoch_us(${time}) - epoch_us(previous_${time})) / 3600e6`,
    interval: `greatest(${hours}, previous_${hours})`,
  }
}
