import { DATASETS } from '../../../datasets/registry.ts'
import type { Check } from './check.ts'
import { idOf } from './id-gap.ts'

export const timeOrder = {
  id: 'time_order',
  severity: 'warning',
  dimension: 'consistency',
  meaning: 'a row is older than the one before it by number',
  condition: (series) => {
    const { eventTime } = DATASETS[series.dataset]
    return idOf(series) === undefined && series.dataset !== 'bookTicker' ? undefined : `${eventTime} < previous_${eventTime}`
  },
  previous: (series) => (idOf(series) === undefined && series.dataset !== 'bookTicker' ? [] : [DATASETS[series.dataset].eventTime]),
} as const satisfies Check
