import { columnNames, isBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const ohlc = {
  id: 'ohlc',
  severity: 'error',
  dimension: 'validity',
  meaning: 'the high is below another price of the bar, or the low is above one',
  condition: (series) => {
    if (!isBars(series)) return undefined
    const { open, high, low, close } = columnNames(series, 'open', 'high', 'low', 'close')
    return `${high} < greatest(${open}, ${close}, ${low}) OR ${low} > least(${open}, ${close}, ${high})`
  },
} as const satisfies Check
