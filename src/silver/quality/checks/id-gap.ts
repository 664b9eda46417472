import type { Series } from '../../../datasets/registry.ts'
import type { Check } from './check.ts'

/** What numbers the rows without a hole. */
export function idOf({ dataset }: Series): string | undefined {
  return dataset === 'trades' ? 'id' : dataset === 'aggTrades' ? 'agg_trade_id' : undefined
}

export const idGap = {
  id: 'id_gap',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'ids between two rows that follow each other are missing',
  condition: (series) => {
    const id = idOf(series)
    return id === undefined ? undefined : `${id} <> previous_${id} + 1`
  },
  previous: (series) => [idOf(series) ?? ''].filter((name) => name !== ''),
  missing: (series) => `greatest(${idOf(series)} - previous_${idOf(series)} - 1, 0)`,
} as const satisfies Check
