import { contractOf, findColumn, type Series } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const timeOrder = {
  id: 'time_order',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'a row is older than the row with the previous number',
  condition: (series) => {
    const { eventTime } = contractOf(series)
    return isNumbered(series) ? `${eventTime} < previous_${eventTime}` : undefined
  },
  previous: (series) => (isNumbered(series) ? [contractOf(series).eventTime] : []),
} as const satisfies Check

function isNumbered(series: Series): boolean {
  return (findColumn(series, 'sequence') ?? findColumn(series, 'order_number')) !== undefined
}
