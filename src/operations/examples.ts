import { TRADED_BARS } from '../datasets/registry.ts'
import { barTableName } from '../gold/bars/bars.ts'
import { DEFAULT_SOURCE } from '../sources/registry.ts'
import { exampleObject, exampleTable } from '../sources/series.ts'

const [[market, { example: symbol }] = ['', { example: '' }]] = Object.entries(DEFAULT_SOURCE.markets)

/** Names of the default exchange, for use in examples. */
export const EXAMPLE = {
  exchange: DEFAULT_SOURCE.id,
  market,
  symbol,
  minutes: exampleTable(TRADED_BARS, '1m'),
  fiveMinutes: exampleTable(TRADED_BARS, '5m'),
  hours: exampleTable(TRADED_BARS, '1h'),
  days: `gold.${barTableName({ exchange: DEFAULT_SOURCE.id, market, interval: '1d' })}`,
  trades: exampleTable('trades'),
  object: exampleObject(symbol, '2024-01-03'),
} as const

/** A selection of the archive: one month of minutes. */
export const SELECTION_EXAMPLE = {
  types: ['klines'],
  markets: [EXAMPLE.market],
  symbols: [EXAMPLE.symbol],
  intervals: ['1m'],
  from: '2024-01-01',
  to: '2024-02-01',
}
