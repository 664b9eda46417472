import { INTERVALS, type Interval, isIntraday } from '../core/interval.ts'
import { type Column, column, type DatasetContract, eventTime, PARQUET, price } from './contract.ts'

/** What bars of any kind have in common. */
export const BARS = {
  kind: 'bars',
  key: ['symbol', 'open_time'],
  eventTime: 'open_time',
  partition: barPartition,
  cadence: barCadence,
  parquet: PARQUET,
} as const satisfies Partial<DatasetContract>

/** Bars of a day and longer are few: a year of them is one partition. */
function barPartition(interval: Interval | undefined): 'month' | 'year' {
  return interval === undefined || isIntraday(interval) ? 'month' : 'year'
}

/** Calendar months have no fixed length. */
function barCadence(interval: Interval | undefined): number | undefined {
  return interval === undefined ? undefined : INTERVALS[interval].us
}

const NAMES = ['open', 'high', 'low', 'close'] as const

/** Bars of a price without trades. */
export function priceBars(facts: Pick<DatasetContract, 'id' | 'meaning'> & { readonly ofIndex?: true }) {
  return {
    ...BARS,
    ...facts,
    columns: () => untradedColumns(NAMES.map((name) => price(name, name))),
  } as const satisfies DatasetContract
}

/** Bars of a ratio, which may be negative. */
export function ratioBars(facts: Pick<DatasetContract, 'id' | 'meaning'>) {
  return {
    ...BARS,
    ...facts,
    columns: () => untradedColumns(NAMES.map((name) => column(name, 'double', 'ratio', { roles: [name] }))),
  } as const satisfies DatasetContract
}

function untradedColumns(values: readonly Column[]): readonly Column[] {
  return [
    eventTime('open_time'),
    ...values,
    column('close_time', 'instant', 'µs UTC', { roles: ['close_time'] }),
    column('sample_count', 'long', 'samples'),
  ]
}
