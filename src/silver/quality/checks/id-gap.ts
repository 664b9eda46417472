import { findColumn, type Series } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const idGap = {
  id: 'id_gap',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'ids are missing between two consecutive rows',
  condition: (series) => {
    const id = idOf(series)
    return id === undefined ? undefined : `${id} <> previous_${id} + 1`
  },
  previous: (series) => [idOf(series) ?? []].flat(),
  missing: (series) => `greatest(${idOf(series)} - previous_${idOf(series)} - 1, 0)`,
} as const satisfies Check

/** The column that numbers the rows without gaps. */
function idOf(series: Series): string | undefined {
  return findColumn(series, 'sequence')?.name
}
