import { US_PER_SECOND } from '../core/time.ts'
import { type CsvColumn, column, type DatasetContract, ignored, PARQUET } from './contract.ts'

/** The index of implied volatility, every second. */
export const BVOLIndex = {
  id: 'BVOLIndex',
  archiveType: 'BVOLIndex',
  meaning: 'The index of implied volatility, every second',
  columns,
  key: ['symbol', 'calc_time'],
  eventTime: 'calc_time',
  partition: () => 'month',
  cadence: () => US_PER_SECOND,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

function columns(): readonly CsvColumn[] {
  return [
    column('calc_time', 'instant', 'µs UTC'),
    ignored('symbol'),
    column('base_asset', 'string', 'asset'),
    column('quote_asset', 'string', 'asset'),
    column('index_value', 'double', 'percent a year'),
  ]
}
