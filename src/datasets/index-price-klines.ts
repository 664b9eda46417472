import { priceBars } from './bars.ts'

/** Bars of the index price. */
export const indexPriceKlines = priceBars({
  id: 'indexPriceKlines',
  meaning: 'Open, high, low, close of the index price in one interval',
  ofIndex: true,
})
