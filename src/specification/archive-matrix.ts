import type { Interval } from '../core/interval.ts'
import type { DatasetId } from '../datasets/registry.ts'
import { parseArchiveKey as parse, printArchiveKey as print } from '../sources/binance/archive/archive-key.ts'
import { format } from '../sources/binance/archive/formats.ts'
import { MARKETS as MARKET_FACTS, type Market } from '../sources/binance/markets.ts'
import { OFFERS } from '../sources/binance/offers.ts'
import type { ArchiveOffer, Period } from '../sources/contract.ts'

export type { Market }

/** The markets of the archive that the specification is about. */
export const MARKETS = Object.keys(MARKET_FACTS) as readonly Market[]

/** What the archive publishes of a type in a market. */
export type MatrixEntry = ArchiveOffer & { readonly market: Market; readonly type: DatasetId; readonly columns: readonly string[] }

/** Everything that the archive publishes, in the order of markets; columns are the first header that each is known by. */
export const ARCHIVE_MATRIX: readonly MatrixEntry[] = OFFERS.map(({ market, dataset, archive }) => ({
  market,
  type: dataset,
  ...archive,
  columns: format(dataset, market).columns.map(({ headers }) => headers[0] ?? ''),
}))

/** A data file of the archive; `date` is YYYY-MM-DD of a daily, YYYY-MM of a monthly file. */
type MatrixFile = {
  readonly market: Market
  readonly type: DatasetId
  readonly symbol: string
  readonly interval: Interval | undefined
  readonly period: Period
  readonly date: string
}

/** The file that a key names. Throws ARCHIVE_KEY_INVALID, saying which part does not follow the grammar. */
export function parseArchiveKey(key: string): MatrixFile {
  const { market, dataset, symbol, interval, period, date } = parse(key)
  return { market: market as Market, type: dataset, symbol, interval, period, date }
}

/** The key of a data file: data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip */
export function printArchiveKey({ type, ...file }: MatrixFile): string {
  return print({ ...file, dataset: type })
}
