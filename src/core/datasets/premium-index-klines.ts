import { type DatasetContract, PARQUET } from './contract.ts'
import { barCadence, barPartition } from './klines.ts'
import { priceBarColumns } from './price-bars.ts'

/** Open, high, low, close of the premium index in one interval, a ratio that may be negative. */
export const premiumIndexKlines = {
  id: 'premiumIndexKlines',
  archiveType: 'premiumIndexKlines',
  meaning: 'Open, high, low, close of the premium index in one interval, a ratio that may be negative',
  columns: () => priceBarColumns('ratio'),
  key: ['symbol', 'open_time'],
  eventTime: 'open_time',
  partition: barPartition,
  cadence: barCadence,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract
