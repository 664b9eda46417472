import { contractOf } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const gap = {
  id: 'gap',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'rows are missing between two existing rows',
  condition: (series) => {
    const { eventTime, cadence } = contractOf(series)
    const us = cadence(series.interval)
    return us === undefined ? undefined : `epoch_us(${eventTime}) - epoch_us(previous_${eventTime}) >= ${2 * us}`
  },
  previous: (series) => {
    const { eventTime, cadence } = contractOf(series)
    return cadence(series.interval) === undefined ? [] : [eventTime]
  },
  missing: (series) => {
    const { eventTime, cadence } = contractOf(series)
    return `(epoch_us(${eventTime}) - epoch_us(previous_${eventTime})) // ${cadence(series.interval)} - 1`
  },
} as const satisfies Check
