import { findNames, type Series } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const tradeChain = {
  id: 'trade_chain',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'the first trade id does not follow the last id of the row before, or is larger than the last id of the same row',
  condition: (series) => {
    const names = chainNames(series)
    if (names === undefined) return undefined
    const { sequence: id, first_trade_id: first, last_trade_id: last } = names
    return `${last} < ${first} OR (${id} = previous_${id} + 1 AND ${first} <> previous_${last} + 1)`
  },
  previous: (series) => {
    const names = chainNames(series)
    return names === undefined ? [] : [names.sequence, names.last_trade_id]
  },
} as const satisfies Check

/** Rows of aggregated trades, which have their own number besides those of their trades. */
function chainNames(series: Series) {
  const names = findNames(series, 'sequence', 'first_trade_id', 'last_trade_id')
  return names?.sequence === names?.first_trade_id ? undefined : names
}
