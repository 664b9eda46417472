import { isBars } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const derivedRows = {
  id: 'derived_rows',
  severity: 'info',
  dimension: 'completeness',
  meaning: 'rows that nobody published: they fill gaps, and are made of other rows',
  condition: (series) => (isBars(series) ? "source <> 'archive'" : undefined),
} as const satisfies Check
