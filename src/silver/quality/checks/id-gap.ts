import { findColumn, type Series } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const idGap = {
  id: 'id_gap',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'ids between two rows that follow each other are missing',
  condition: (series) => {
    const id = idOf(series)
    return id === undefined ? undefined : `${id} <> previous_${id} + 1`
  },
  previous: (series) => [idOf(series) ?? []].flat(),
  missing: (series) => `greatest(${idOf(series)} - previous_${idOf(series)} - 1, 0)`,
} as const satisfies Check

/** What numbers the rows without a hole. */
function idOf(series: Series): string | undefined {
  return findColumn(series, 'sequence')?.name
}
