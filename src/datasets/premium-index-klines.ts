import { ratioBars } from './bars.ts'

/** Bars of the premium index. */
export const premiumIndexKlines = ratioBars({
  id: 'premiumIndexKlines',
  meaning: 'Open, high, low, close of the premium index in one interval, a ratio that may be negative',
})
