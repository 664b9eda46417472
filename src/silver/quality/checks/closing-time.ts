import { barCadence } from '../../../datasets/klines.ts'
import { type Check, isBars } from './check.ts'

export const closingTime = {
  id: 'closing_time',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the bar does not close one unit before the next one opens',
  condition: (series) => {
    if (!isBars(series)) return undefined
    const us = barCadence(series.interval)
    const end = us === undefined ? 'epoch_us(open_time + INTERVAL 1 MONTH)' : `epoch_us(open_time) + ${us}`
    return `epoch_us(close_time) NOT IN (${end} - 1, ${end} - 1000)`
  },
} as const satisfies Check
