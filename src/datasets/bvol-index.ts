import { US_PER_SECOND } from '../core/time.ts'
import { type Column, column, type DatasetContract, eventTime, PARQUET } from './contract.ts'

/** The index of implied volatility, every second. */
export const BVOLIndex = {
  id: 'BVOLIndex',
  meaning: 'The index of implied volatility, every second',
  kind: 'index',
  columns,
  key: ['symbol', 'calc_time'],
  eventTime: 'calc_time',
  partition: () => 'month',
  cadence: () => US_PER_SECOND,
  parquet: PARQUET,
} as const satisfies DatasetContract

function columns(): readonly Column[] {
  return [
    eventTime('calc_time'),
    column('base_asset', 'string', 'asset'),
    column('quote_asset', 'string', 'asset'),
    column('index_value', 'double', 'percent a year', { measure: 'price', positive: true }),
  ]
}
