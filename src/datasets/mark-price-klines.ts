import { priceBars } from './bars.ts'

/** Bars of the mark price. */
export const markPriceKlines = priceBars({
  id: 'markPriceKlines',
  meaning: 'Open, high, low, close of the mark price in one interval',
})
