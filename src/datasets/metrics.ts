import { US_PER_SECOND } from '../core/time.ts'
import { type CsvColumn, column, type DatasetContract, ignored, PARQUET } from './contract.ts'

/** Open interest and ratios of long to short, every five minutes. */
export const metrics = {
  id: 'metrics',
  archiveType: 'metrics',
  meaning: 'Open interest and ratios of long to short, every five minutes',
  columns,
  key: ['symbol', 'create_time'],
  eventTime: 'create_time',
  partition: () => 'month',
  cadence: () => 300 * US_PER_SECOND,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

function columns(): readonly CsvColumn[] {
  return [
    column('create_time', 'datetime', 'µs UTC'),
    ignored('symbol'),
    column('sum_open_interest', 'double', 'contracts or base asset', { optional: true }),
    column('sum_open_interest_value', 'double', 'quote asset', { optional: true }),
    column('count_toptrader_long_short_ratio', 'double', 'accounts', { optional: true }),
    column('sum_toptrader_long_short_ratio', 'double', 'positions', { optional: true }),
    column('count_long_short_ratio', 'double', 'accounts', { optional: true }),
    column('sum_taker_long_short_vol_ratio', 'double', 'volume', { optional: true }),
  ]
}
