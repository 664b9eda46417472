import { isBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const derivedRows = {
  id: 'derived_rows',
  severity: 'info',
  dimension: 'completeness',
  meaning: 'these rows were not published: they fill gaps and were built from other rows',
  condition: (series) => (isBars(series) ? "source <> 'archive'" : undefined),
} as const satisfies Check
