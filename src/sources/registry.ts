import { LakehouseError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { binance } from './binance/index.ts'
import type { MarketFacts, Source } from './contract.ts'

/** Every exchange, the default one first. A new exchange needs a folder here and a line in this list. */
export const SOURCES = [binance] as const satisfies readonly Source[]

/** The default exchange. */
export const DEFAULT_SOURCE: Source = SOURCES[0]

export const EXCHANGE_IDS: readonly string[] = SOURCES.map(({ id }) => id)

/** Every market of any exchange, each once. */
export const MARKET_IDS: readonly string[] = [...new Set(SOURCES.flatMap(({ markets }) => Object.keys(markets)))]

/** The exchange of an id. Throws USAGE, naming the nearest. */
export function findSource(id: string): Source {
  const source = SOURCES.find((one) => one.id === id)
  if (source !== undefined) return source
  const close = nearest(id, EXCHANGE_IDS)
  const hint = close === undefined ? `use one of ${EXCHANGE_IDS.join(', ')}` : `did you mean ${close}?`
  throw new LakehouseError('USAGE', `unknown exchange "${id}": ${hint}`, { details: { exchange: id } })
}

/** The facts about a market. Throws USAGE for a market that the exchange does not have. */
export function findMarket({ id, markets }: Source, market: string): MarketFacts {
  const facts = Object.hasOwn(markets, market) ? markets[market] : undefined
  if (facts !== undefined) return facts
  const names = Object.keys(markets).join(' ')
  throw new LakehouseError('USAGE', `unknown market "${market}" of ${id}: use one of ${names}`, { details: { market, exchange: id } })
}
