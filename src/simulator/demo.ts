import { printArchiveKey } from '../sources/binance/archive/archive-key.ts'
import type { ArchiveSelection } from '../sources/contract.ts'
import type { SimulatedArchive } from './archive.ts'
import type { Defect } from './defects.ts'

/** The month of the demonstration. */
export const DEMO_MONTH = { start: Date.UTC(2024, 0, 1), days: 31 } as const

const SYMBOLS = ['BTCUSDT', 'ETHUSDT']

/** The parts that the demonstration ingests, and the tables that it shows. */
export const DEMO = {
  exchange: 'binance',
  symbols: SYMBOLS,
  /** The symbol that is shown first. */
  symbol: 'BTCUSDT',
  minutes: 'silver.binance_spot_klines_1m',
  dailyBars: 'gold.binance_spot_bars_1d',
  fourHourBars: 'gold.binance_spot_bars_4h',
  /** The parts to ingest, in order: for the whole month, or for the day in its middle. */
  parts: [
    { markets: ['spot'], symbols: SYMBOLS, intervals: ['1m'], isDay: false },
    { markets: ['spot'], symbols: SYMBOLS, intervals: ['1h', '1d'], isDay: false },
    { markets: ['um'], symbols: ['BTCUSDT'], intervals: ['1m'], isDay: true },
    { markets: ['cm'], symbols: ['BTCUSD_PERP'], intervals: ['1m'], isDay: true },
  ] satisfies readonly (Pick<ArchiveSelection, 'markets' | 'symbols' | 'intervals'> & { readonly isDay: boolean })[],
} as const

/** A small archive of one month with a defect of every kind. */
export function demoArchive(): SimulatedArchive {
  const spot = (symbol: string) => ({
    market: 'spot' as const,
    symbol,
    types: ['klines' as const],
    intervals: ['1m' as const, '1h' as const, '1d' as const],
  })
  return {
    seed: 'demo',
    start: DEMO_MONTH.start,
    days: DEMO_MONTH.days,
    tradesPerDay: 3000,
    periods: ['daily', 'monthly'],
    series: [
      spot('BTCUSDT'),
      spot('ETHUSDT'),
      { market: 'um', symbol: 'BTCUSDT', types: ['klines'], intervals: ['1m'] },
      { market: 'cm', symbol: 'BTCUSD_PERP', types: ['klines'], intervals: ['1m'] },
    ],
    defects: defects(),
  }
}

function defects(): ReadonlyMap<string, readonly Defect[]> {
  const monthly = (symbol: string, interval: '1m' | '1h' | '1d') =>
    printArchiveKey({ market: 'spot', dataset: 'klines', symbol, interval, period: 'monthly', date: '2024-01' })
  const day = (date: string) =>
    printArchiveKey({ market: 'spot', dataset: 'klines', symbol: 'ETHUSDT', interval: '1m', period: 'daily', date })
  return new Map<string, readonly Defect[]>([
    // The monthly file lacks the 12th, which the daily file has. It also has an outage of 90 minutes, 15 repeated minutes, and one bar with two different versions.
    [
      monthly('BTCUSDT', '1m'),
      [
        { kind: 'missing-lines', from: 11 * 1440, count: 1440 },
        { kind: 'missing-lines', from: 20 * 1440 + 600, count: 90 },
        { kind: 'repeated-lines', from: 3 * 1440, count: 15 },
        { kind: 'conflicting-line', at: 5 * 1440 + 77 },
        { kind: 'garbage-line', at: 100, text: '1704073080000,not-a-price,0,0,0,0,0,0,0,0,0,0' },
      ],
    ],
    [monthly('ETHUSDT', '1m'), [{ kind: 'wrong-checksum' }]],
    [monthly('ETHUSDT', '1h'), [{ kind: 'no-checksum' }]],
    [monthly('ETHUSDT', '1d'), [{ kind: 'corrupt-zip' }]],
    [day('2024-01-09'), [{ kind: 'shuffled-lines', from: 200, count: 30 }]],
  ])
}
