import { type CsvColumn, column, type DatasetContract, PARQUET } from './contract.ts'

/** What the order book holds within some percent of the price, added up. */
export const bookDepth = {
  id: 'bookDepth',
  archiveType: 'bookDepth',
  meaning: 'What the order book holds within some percent of the price, added up',
  columns,
  key: ['symbol', 'timestamp', 'percentage'],
  eventTime: 'timestamp',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
  decoderVersion: 2,
} as const satisfies DatasetContract

function columns(): readonly CsvColumn[] {
  return [
    column('timestamp', 'datetime', 'µs UTC'),
    column('percentage', 'double', 'percent of the price, negative for bids'),
    column('depth', 'double', 'base asset or contracts'),
    column('notional', 'double', 'quote or base asset'),
  ]
}
