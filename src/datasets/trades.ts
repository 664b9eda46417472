import type { Market } from '../core/market.ts'
import { type CsvColumn, column, type DatasetContract, PARQUET } from './contract.ts'

/** Single trades. */
export const trades = {
  id: 'trades',
  archiveType: 'trades',
  meaning: 'Single trades',
  columns,
  key: ['symbol', 'id'],
  eventTime: 'time',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

/** cm counts contracts, and their worth in the base asset. */
function columns(market: Market): readonly CsvColumn[] {
  const coin = market === 'cm'
  return [
    column('id', 'long', 'trade id'),
    column('price', 'double', 'quote asset'),
    coin ? column('contracts', 'double', 'contracts', { headers: ['qty'] }) : column('qty', 'double', 'base asset'),
    coin ? column('base_qty', 'double', 'base asset') : column('quote_qty', 'double', 'quote asset'),
    column('time', 'instant', 'µs UTC'),
    column('is_buyer_maker', 'boolean', 'the buyer stood in the book: the seller took'),
    ...(market === 'spot' ? [column('is_best_match', 'boolean', 'at the best price')] : []),
  ]
}
