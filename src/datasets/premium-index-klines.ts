import { priceBars } from './price-bars.ts'

/** Bars of the premium index. */
export const premiumIndexKlines = priceBars({
  id: 'premiumIndexKlines',
  meaning: 'Open, high, low, close of the premium index in one interval, a ratio that may be negative',
  unit: 'ratio',
})
