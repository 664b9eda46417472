import { DATASETS } from '../../../datasets/registry.ts'
import type { Check } from './check.ts'

export const valueEmpty = {
  id: 'value_empty',
  severity: 'info',
  dimension: 'completeness',
  meaning: 'a value that the type has was left empty',
  condition: ({ dataset, market }) => {
    const optional = DATASETS[dataset]
      .columns(market)
      .flatMap(({ name, optional: may }) => (may === true && name !== undefined ? [name] : []))
    return optional.length === 0 ? undefined : optional.map((name) => `${name} IS NULL`).join(' OR ')
  },
} as const satisfies Check
