import { type DatasetContract, PARQUET } from './contract.ts'
import { barCadence, barPartition } from './klines.ts'
import { priceBarColumns } from './price-bars.ts'

/** Open, high, low, close of the mark price in one interval. */
export const markPriceKlines = {
  id: 'markPriceKlines',
  archiveType: 'markPriceKlines',
  meaning: 'Open, high, low, close of the mark price in one interval',
  columns: () => priceBarColumns('quote asset'),
  key: ['symbol', 'open_time'],
  eventTime: 'open_time',
  partition: barPartition,
  cadence: barCadence,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract
