import type { Offer } from '../contract.ts'

const SINCE = '2024-01-01'
const BARS = { periods: { daily: ['1m', '1h'] }, firstDate: SINCE, header: 'always', timeUnit: 'us', quirks: [] } as const
const TRADES = {
  periods: { daily: [] },
  firstDate: SINCE,
  header: 'never',
  timeUnit: 'ms',
  quirks: [],
} as const

export const OFFERS: readonly Offer[] = [
  { market: 'cash', dataset: 'klines', archive: BARS },
  { market: 'cash', dataset: 'trades', archive: TRADES },
  { market: 'swap', dataset: 'klines', archive: BARS },
  { market: 'swap', dataset: 'trades', archive: TRADES },
]
