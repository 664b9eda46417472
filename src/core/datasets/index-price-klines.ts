import { type DatasetContract, PARQUET } from './contract.ts'
import { barCadence, barPartition } from './klines.ts'
import { priceBarColumns } from './price-bars.ts'

/** Open, high, low, close of the index price in one interval. */
export const indexPriceKlines = {
  id: 'indexPriceKlines',
  archiveType: 'indexPriceKlines',
  meaning: 'Open, high, low, close of the index price in one interval',
  columns: () => priceBarColumns('quote asset'),
  key: ['symbol', 'open_time'],
  eventTime: 'open_time',
  partition: barPartition,
  cadence: barCadence,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract
