import type { Market } from './market.ts'

export const CONTRACT_TYPES = ['spot', 'perpetual', 'delivery', 'option', 'settled'] as const

/** settled: what the exchange renamed when it took a contract off the market. */
export type ContractType = (typeof CONTRACT_TYPES)[number]

/** What a symbol's name says. */
export type SymbolParts = {
  readonly base: string
  readonly quote: string
  readonly contractType: ContractType
  /** So many of the base asset are one unit of the contract: 1000SHIBUSDT counts thousands. */
  readonly multiplier: number
  /** Tokens such as BTCUPUSDT, which hold a position and not the asset. */
  readonly isLeveraged: boolean
  readonly isStablePair: boolean
}

/** The exchange's quote assets; of several that a symbol ends with the longest is meant. */
const QUOTES =
  'USDT USDC FDUSD BUSD TUSD USDP USDS PAX USD DAI UST BTC ETH BNB XRP TRX DOGE DOT SOL TRY EUR GBP AUD BRL RUB UAH NGN ZAR IDR IDRT BIDR BKRW BVND VAI PLN RON ARS JPY MXN CZK COP AEUR EURI USD1 BFUSD'
    .split(' ')
    .sort((a, b) => b.length - a.length)

/** SQL of the quote asset of a symbol, '' for one that is not known; `symbol` is SQL. */
export function quoteSql(symbol: string): string {
  return `regexp_extract(regexp_replace(split_part(${symbol}, '_', 1), 'SETTLED[0-9]*$', ''), '(?:${QUOTES.join('|')})$')`
}

const STABLE: ReadonlySet<string> = new Set(
  'USDT USDC FDUSD BUSD TUSD USDP USDS PAX USD DAI UST USTC SUSD USDSB EUR GBP AUD AEUR EURI USD1 BFUSD XUSD'.split(' '),
)

/** End in what leveraged tokens end in, and are none. */
const NOT_LEVERAGED: ReadonlySet<string> = new Set(['JUP', 'SYRUP'])

/** Reads a symbol as the market writes it: BTCUSDT, 1000SHIBUSDT, BTCUSDT_260925, BTCUSD_PERP, CVCUSDTSETTLED. A quote that is not known is empty, and the base the whole name. */
export function splitSymbol(market: Market, symbol: string): SymbolParts {
  const isSettled = /SETTLED\d*$/.test(symbol)
  const [pair = '', suffix = ''] = symbol.replace(/SETTLED\d*$/, '').split('_')
  const quote = QUOTES.find((one) => pair.endsWith(one) && pair.length > one.length) ?? ''
  const named = quote === '' ? pair : pair.slice(0, -quote.length)
  const [, digits = ''] = market === 'um' || market === 'spot' ? (/^(10+)(?=[A-Z])/.exec(named) ?? []) : []
  const base = named.slice(digits.length)
  const isFuture = market === 'um' || market === 'cm'
  const contractType =
    market === 'option' ? 'option' : isSettled ? 'settled' : !isFuture ? 'spot' : /^\d{6}$/.test(suffix) ? 'delivery' : 'perpetual'
  return {
    base,
    quote,
    contractType,
    multiplier: digits === '' ? 1 : Number(digits),
    isLeveraged: market === 'spot' && /.(UP|DOWN|BULL|BEAR)$/.test(base) && !NOT_LEVERAGED.has(base),
    isStablePair: STABLE.has(base) && STABLE.has(quote),
  }
}
