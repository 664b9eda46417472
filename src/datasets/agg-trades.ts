import type { Market } from '../core/market.ts'
import { type CsvColumn, column, type DatasetContract, PARQUET } from './contract.ts'

/** Trades of one taker order at one price, joined. */
export const aggTrades = {
  id: 'aggTrades',
  archiveType: 'aggTrades',
  meaning: 'Trades of one taker order at one price, joined',
  columns,
  key: ['symbol', 'agg_trade_id'],
  eventTime: 'transact_time',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

function columns(market: Market): readonly CsvColumn[] {
  const coin = market === 'cm'
  return [
    column('agg_trade_id', 'long', 'id'),
    column('price', 'double', 'quote asset'),
    coin ? column('contracts', 'double', 'contracts', { headers: ['quantity'] }) : column('quantity', 'double', 'base asset'),
    column('first_trade_id', 'long', 'trade id'),
    column('last_trade_id', 'long', 'trade id'),
    column('transact_time', 'instant', 'µs UTC'),
    column('is_buyer_maker', 'boolean', 'the buyer stood in the book: the seller took'),
    ...(market === 'spot' ? [column('is_best_match', 'boolean', 'at the best price')] : []),
  ]
}
