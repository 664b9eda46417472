import { valueColumns } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const valueEmpty = {
  id: 'value_empty',
  severity: 'info',
  dimension: 'completeness',
  meaning: 'a value is empty although the data type requires it',
  condition: (series) => {
    const optional = valueColumns(series).flatMap(({ name, optional: may }) => (may === true ? [name] : []))
    return optional.length === 0 ? undefined : optional.map((name) => `${name} IS NULL`).join(' OR ')
  },
} as const satisfies Check
