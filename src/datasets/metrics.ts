import { US_PER_SECOND } from '../core/time.ts'
import { type Column, column, type DatasetContract, eventTime, PARQUET, type Role } from './contract.ts'

/** Open interest and ratios of long to short, every five minutes. */
export const metrics = {
  id: 'metrics',
  meaning: 'Open interest and ratios of long to short, every five minutes',
  kind: 'metrics',
  columns,
  key: ['symbol', 'create_time'],
  eventTime: 'create_time',
  partition: () => 'month',
  cadence: () => 300 * US_PER_SECOND,
  parquet: PARQUET,
} as const satisfies DatasetContract

function columns(): readonly Column[] {
  const ratio = (name: string, unit: string, ...roles: readonly Role[]) => column(name, 'double', unit, { optional: true, roles })
  const interest = { optional: true, measure: 'amount' } as const
  return [
    eventTime('create_time'),
    column('sum_open_interest', 'double', 'contracts or base asset', { ...interest, roles: ['open_interest'] }),
    column('sum_open_interest_value', 'double', 'quote asset', { ...interest, roles: ['open_interest_value'] }),
    ratio('count_toptrader_long_short_ratio', 'accounts', 'top_trader_ratio'),
    ratio('sum_toptrader_long_short_ratio', 'positions'),
    ratio('count_long_short_ratio', 'accounts', 'account_ratio'),
    ratio('sum_taker_long_short_vol_ratio', 'volume', 'taker_ratio'),
  ]
}
