import { type CsvColumn, column, type DatasetContract, PARQUET } from './contract.ts'

/** Best bid and ask at each change. */
export const bookTicker = {
  id: 'bookTicker',
  archiveType: 'bookTicker',
  meaning: 'Best bid and ask at each change',
  columns,
  key: ['symbol', 'update_id'],
  eventTime: 'transaction_time',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

function columns(): readonly CsvColumn[] {
  return [
    column('update_id', 'long', 'id'),
    column('best_bid_price', 'double', 'quote asset'),
    column('best_bid_qty', 'double', 'base asset or contracts'),
    column('best_ask_price', 'double', 'quote asset'),
    column('best_ask_qty', 'double', 'base asset or contracts'),
    column('transaction_time', 'instant', 'µs UTC'),
    column('event_time', 'instant', 'µs UTC'),
  ]
}
