import { US_PER_DAY } from '../../../core/time.ts'
import { contractOf } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const offGrid = {
  id: 'off_grid',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the time is not on the grid of the interval; the row is kept as published',
  condition: (series) => {
    const { interval } = series
    const { eventTime, cadence } = contractOf(series)
    if (interval === '1mo') return `${eventTime} <> date_trunc('month', ${eventTime})`
    const us = cadence(interval)
    // Weeks begin on Mondays; 1970 began on a Thursday.
    return us === undefined ? undefined : `(epoch_us(${eventTime}) - ${interval === '1w' ? 4 * US_PER_DAY : 0}) % ${us} <> 0`
  },
} as const satisfies Check
