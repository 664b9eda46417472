import { amount, type Column, column, type DatasetContract, eventTime, PARQUET, price } from './contract.ts'

/** Best bid and ask at each change. */
export const bookTicker = {
  id: 'bookTicker',
  meaning: 'Best bid and ask at each change',
  kind: 'quotes',
  columns,
  key: ['symbol', 'update_id'],
  eventTime: 'transaction_time',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
} as const satisfies DatasetContract

function columns(): readonly Column[] {
  return [
    column('update_id', 'long', 'id', { roles: ['order_number'] }),
    price('best_bid_price', 'bid_price'),
    amount('best_bid_qty', 'base asset or contracts'),
    price('best_ask_price', 'ask_price'),
    amount('best_ask_qty', 'base asset or contracts'),
    eventTime('transaction_time'),
    column('event_time', 'instant', 'µs UTC'),
  ]
}
