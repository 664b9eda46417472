import type { Interval } from '../../src/core/interval.ts'
import { type SimulatedArchive, writeArchive } from '../../src/simulator/archive.ts'
import type { Defect } from '../../src/simulator/defects.ts'
import type { Market } from '../../src/sources/binance/markets.ts'

export type SmallArchive = {
  symbols?: readonly string[]
  market?: Market
  intervals?: readonly Interval[]
  start?: number
  days?: number
  tradesPerDay?: number
  periods?: SimulatedArchive['periods']
  defects?: ReadonlyMap<string, readonly Defect[]>
  seed?: string
}

/** Writes a small archive of klines and returns its keys. */
export function smallArchive(directory: string, options: SmallArchive = {}): Promise<string[]> {
  const market = options.market ?? 'spot'
  return writeArchive(directory, {
    seed: options.seed ?? 'test',
    start: options.start ?? Date.UTC(2024, 0, 30),
    days: options.days ?? 4,
    tradesPerDay: options.tradesPerDay ?? 1500,
    periods: options.periods ?? ['daily'],
    series: (options.symbols ?? ['BTCUSDT', 'ETHUSDT']).map((symbol) => ({
      market,
      symbol,
      types: ['klines'],
      intervals: options.intervals ?? ['1m'],
    })),
    ...(options.defects === undefined ? {} : { defects: options.defects }),
  })
}

/** The key of a spot 1m klines file. */
export function dailyKey(symbol: string, date: string): string {
  return `data/spot/daily/klines/${symbol}/1m/${symbol}-1m-${date}.zip`
}

export function monthlyKey(symbol: string, month: string): string {
  return `data/spot/monthly/klines/${symbol}/1m/${symbol}-1m-${month}.zip`
}
