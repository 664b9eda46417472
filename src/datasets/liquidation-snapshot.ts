import { type Column, column, type DatasetContract, eventTime, PARQUET, price } from './contract.ts'

/** Orders by which positions were liquidated. */
export const liquidationSnapshot = {
  id: 'liquidationSnapshot',
  meaning: 'Orders by which positions were liquidated',
  kind: 'orders',
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
} as const satisfies DatasetContract

function columns(): readonly Column[] {
  return [
    eventTime('time'),
    column('side', 'string', 'BUY or SELL'),
    column('order_type', 'string', 'order type'),
    column('time_in_force', 'string', 'time in force'),
    column('original_quantity', 'double', 'contracts'),
    price('price', 'price'),
    column('average_price', 'double', 'quote asset'),
    column('order_status', 'string', 'order status'),
    column('last_fill_quantity', 'double', 'contracts'),
    column('accumulated_fill_quantity', 'double', 'contracts'),
  ]
}
