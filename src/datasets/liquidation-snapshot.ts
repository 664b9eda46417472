import { type CsvColumn, column, type DatasetContract, PARQUET } from './contract.ts'

/** Orders by which positions were liquidated. */
export const liquidationSnapshot = {
  id: 'liquidationSnapshot',
  archiveType: 'liquidationSnapshot',
  meaning: 'Orders by which positions were liquidated',
  columns,
  key: [
    'symbol',
    'time',
    'side',
    'order_type',
    'time_in_force',
    'original_quantity',
    'price',
    'average_price',
    'order_status',
    'last_fill_quantity',
    'accumulated_fill_quantity',
  ],
  eventTime: 'time',
  partition: () => 'month',
  cadence: () => undefined,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

function columns(): readonly CsvColumn[] {
  return [
    column('time', 'instant', 'µs UTC'),
    column('side', 'string', 'BUY or SELL'),
    column('order_type', 'string', 'order type'),
    column('time_in_force', 'string', 'time in force'),
    column('original_quantity', 'double', 'contracts'),
    column('price', 'double', 'quote asset'),
    column('average_price', 'double', 'quote asset'),
    column('order_status', 'string', 'order status'),
    column('last_fill_quantity', 'double', 'contracts'),
    column('accumulated_fill_quantity', 'double', 'contracts'),
  ]
}
