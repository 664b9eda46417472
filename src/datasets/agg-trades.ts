import { amount, type Column, column, type DatasetContract, eventTime, type MarketUnits, PARQUET, price, unitNames } from './contract.ts'
import { bestMatch } from './trades.ts'

/** Aggregated trades: all trades of one taker order at one price. */
export const aggTrades = {
  id: 'aggTrades',
  meaning: 'Trades of one taker order at one price, joined',
  kind: 'trades',
  columns,
  key: ['symbol', 'agg_trade_id'],
  eventTime: 'transact_time',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
} as const satisfies DatasetContract

function columns(units: MarketUnits): readonly Column[] {
  return [
    column('agg_trade_id', 'long', 'id', { roles: ['sequence'] }),
    price('price', 'price'),
    amount(units.amounts === 'contracts' ? 'contracts' : 'quantity', unitNames(units).amount, 'amount'),
    column('first_trade_id', 'long', 'trade id', { roles: ['first_trade_id'] }),
    column('last_trade_id', 'long', 'trade id', { roles: ['last_trade_id'] }),
    eventTime('transact_time'),
    column('is_buyer_maker', 'boolean', 'the buyer stood in the book: the seller took', { roles: ['buyer_is_maker'] }),
    ...bestMatch(units),
  ]
}
