import { type CsvColumn, column, ignored } from './contract.ts'

/** The columns of bars that nothing is traded in: what klines have for amounts is 0 there, or counts samples. */
export function priceBarColumns(unit: string): readonly CsvColumn[] {
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
