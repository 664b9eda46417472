import { type CsvColumn, column, type DatasetContract, ignored, PARQUET } from './contract.ts'

/** Every option at the end of each hour: prices, greeks, open interest. */
export const EOHSummary = {
  id: 'EOHSummary',
  archiveType: 'EOHSummary',
  meaning: 'Every option at the end of each hour: prices, greeks, open interest',
  columns,
  key: ['symbol', 'time', 'contract'],
  eventTime: 'time',
  partition: () => 'month',
  cadence: () => undefined,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

function columns(): readonly CsvColumn[] {
  const number = (name: string, unit: string) => column(name, 'double', unit, { optional: true })
  return [
    column('time', 'day', 'µs UTC, the hour that begins then', { headers: ['date'] }),
    { name: undefined, type: 'hour', unit: 'hours', headers: ['hour'] },
    column('contract', 'string', 'option', { headers: ['symbol'] }),
    ignored('underlying'),
    column('type', 'string', 'C or P'),
    column('strike', 'string', 'expiry and strike'),
    number('open', 'quote asset'),
    number('high', 'quote asset'),
    number('low', 'quote asset'),
    number('close', 'quote asset'),
    number('volume_contracts', 'contracts'),
    number('volume_usdt', 'USDT'),
    number('best_bid_price', 'quote asset'),
    number('best_ask_price', 'quote asset'),
    number('best_bid_qty', 'contracts'),
    number('best_ask_qty', 'contracts'),
    number('best_buy_iv', 'ratio'),
    number('best_sell_iv', 'ratio'),
    number('mark_price', 'quote asset'),
    number('mark_iv', 'ratio'),
    number('delta', 'ratio'),
    number('gamma', 'ratio'),
    number('vega', 'ratio'),
    number('theta', 'ratio'),
    column('open_interest_contracts', 'double', 'contracts', { optional: true, headers: ['openinterest_contracts'] }),
    column('open_interest_usdt', 'double', 'USDT', { optional: true, headers: ['openinterest_usdt'] }),
  ]
}
