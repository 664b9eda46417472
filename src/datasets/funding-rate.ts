import { type Column, column, type DatasetContract, eventTime, PARQUET } from './contract.ts'

/** What longs pay to shorts at each funding. */
export const fundingRate = {
  id: 'fundingRate',
  meaning: 'What longs pay to shorts at each funding',
  kind: 'funding',
  columns,
  key: ['symbol', 'calc_time'],
  eventTime: 'calc_time',
  partition: () => 'year',
  cadence: () => undefined,
  parquet: PARQUET,
} as const satisfies DatasetContract

function columns(): readonly Column[] {
  return [
    eventTime('calc_time', 'µs UTC, some ms past the hour'),
    column('funding_interval_hours', 'long', 'hours', { roles: ['interval_hours'] }),
    column('last_funding_rate', 'double', 'ratio', { roles: ['rate'] }),
  ]
}
