import { type Check, isBars } from './check.ts'

export const ohlc = {
  id: 'ohlc',
  severity: 'error',
  dimension: 'validity',
  meaning: 'the high is below, or the low above, another price of the bar',
  condition: (series) => (isBars(series) ? 'high < greatest(open, close, low) OR low > least(open, close, high)' : undefined),
} as const satisfies Check
