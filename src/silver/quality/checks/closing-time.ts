import { columnNames, contractOf, isBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const closingTime = {
  id: 'closing_time',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the bar does not close one unit before the next bar opens',
  condition: (series) => {
    if (!isBars(series)) return undefined
    const { event_time: open, close_time: close } = columnNames(series, 'event_time', 'close_time')
    const us = contractOf(series).cadence(series.interval)
    const end = us === undefined ? `epoch_us(${open} + INTERVAL 1 MONTH)` : `epoch_us(${open}) + ${us}`
    return `epoch_us(${close}) NOT IN (${end} - 1, ${end} - 1000)`
  },
} as const satisfies Check
