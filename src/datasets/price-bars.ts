import { type CsvColumn, column, type DatasetContract, ignored, PARQUET } from './contract.ts'
import { barCadence, barPartition } from './klines.ts'

/** Bars that nothing is traded in, by what they are bars of. */
export function priceBars({ id, meaning, unit }: Pick<DatasetContract, 'id' | 'meaning'> & { readonly unit: string }) {
  return {
    id,
    archiveType: id,
    meaning,
    columns: () => priceBarColumns(unit),
    key: ['symbol', 'open_time'],
    eventTime: 'open_time',
    partition: barPartition,
    cadence: barCadence,
    parquet: PARQUET,
    decoderVersion: 1,
  } as const satisfies DatasetContract
}

/** The columns of bars that nothing is traded in: what klines have for amounts is 0 there, or counts samples. */
function priceBarColumns(unit: string): readonly CsvColumn[] {
  return [
    column('open_time', 'instant', 'µs UTC'),
    column('open', 'double', unit),
    column('high', 'double', unit),
    column('low', 'double', unit),
    column('close', 'double', unit),
    ignored('volume'),
    column('close_time', 'instant', 'µs UTC'),
    ignored('quote_volume'),
    column('sample_count', 'long', 'samples', { headers: ['count'] }),
    ignored('taker_buy_volume'),
    ignored('taker_buy_quote_volume'),
    ignored('ignore'),
  ]
}
