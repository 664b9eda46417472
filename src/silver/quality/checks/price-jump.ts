import { columnNames, isTradedBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

/** A price that changes by more than this factor from one bar to the next. */
const FACTOR = 10

export const priceJump = {
  id: 'price_jump',
  severity: 'warning',
  dimension: 'accuracy',
  meaning:
    'the price is ten or more times that of the bar before, or less than a tenth, also across a gap: a redenomination, a relisting, or a wrong price',
  condition: (series) => {
    if (!isTradedBars(series)) return undefined
    const { open, close } = columnNames(series, 'open', 'close')
    return `(${open} >= ${FACTOR} * previous_${close} OR ${open} * ${FACTOR} <= previous_${close}) AND previous_${close} > 0 AND ${open} > 0`
  },
  previous: (series) => (isTradedBars(series) ? Object.values(columnNames(series, 'close')) : []),
} as const satisfies Check
