import { type CsvColumn, column, type DatasetContract, PARQUET } from './contract.ts'

/** What longs pay to shorts at each funding. */
export const fundingRate = {
  id: 'fundingRate',
  archiveType: 'fundingRate',
  meaning: 'What longs pay to shorts at each funding',
  columns,
  key: ['symbol', 'calc_time'],
  eventTime: 'calc_time',
  partition: () => 'year',
  cadence: () => undefined,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

function columns(): readonly CsvColumn[] {
  return [
    column('calc_time', 'instant', 'µs UTC, some ms past the hour'),
    column('funding_interval_hours', 'long', 'hours'),
    column('last_funding_rate', 'double', 'ratio'),
  ]
}
