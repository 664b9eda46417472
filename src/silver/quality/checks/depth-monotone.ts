import { columnNames, contractOf, type Series } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const depthMonotone = {
  id: 'depth_monotone',
  severity: 'error',
  dimension: 'consistency',
  meaning: 'a wider band around the price has less depth than a narrower one',
  condition: (series) => {
    const names = depthNames(series)
    if (names === undefined) return undefined
    const { event_time: time, band, amount } = names
    return `${time} = previous_${time} AND ((${band} < 0 AND ${amount} > previous_${amount}) OR (previous_${band} > 0 AND ${amount} < previous_${amount}))`
  },
  previous: (series) => Object.values(depthNames(series) ?? {}),
} as const satisfies Check

function depthNames(series: Series) {
  return contractOf(series).kind === 'depth' ? columnNames(series, 'event_time', 'band', 'amount') : undefined
}
