import { DATASETS } from '../../../datasets/registry.ts'
import type { Check } from './check.ts'

export const gap = {
  id: 'gap',
  severity: 'warning',
  dimension: 'completeness',
  meaning: 'rows are missing between two that are there',
  condition: ({ dataset, interval }) => {
    const { eventTime, cadence } = DATASETS[dataset]
    const us = cadence(interval)
    return us === undefined ? undefined : `epoch_us(${eventTime}) - epoch_us(previous_${eventTime}) >= ${2 * us}`
  },
  previous: ({ dataset, interval }) => (DATASETS[dataset].cadence(interval) === undefined ? [] : [DATASETS[dataset].eventTime]),
  missing: ({ dataset, interval }) => {
    const { eventTime, cadence } = DATASETS[dataset]
    return `(epoch_us(${eventTime}) - epoch_us(previous_${eventTime})) // ${cadence(interval)} - 1`
  },
} as const satisfies Check
