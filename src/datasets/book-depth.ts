import { amount, type Column, column, type DatasetContract, eventTime, PARQUET } from './contract.ts'

/** What the order book holds within some percent of the price, added up. */
export const bookDepth = {
  id: 'bookDepth',
  meaning: 'What the order book holds within some percent of the price, added up',
  kind: 'depth',
  columns,
  key: ['symbol', 'timestamp', 'percentage'],
  eventTime: 'timestamp',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
} as const satisfies DatasetContract

function columns(): readonly Column[] {
  return [
    eventTime('timestamp'),
    column('percentage', 'double', 'percent of the price, negative for bids', { roles: ['band'] }),
    amount('depth', 'base asset or contracts', 'amount'),
    amount('notional', 'quote or base asset', 'value'),
  ]
}
