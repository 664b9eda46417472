import type { SymbolGrammar, SymbolParts } from '../contract.ts'
import { MARKETS } from './markets.ts'

/** The quote assets of the exchange. If a symbol ends with several of them, the longest counts. */
const QUOTES =
  'USDT USDC FDUSD BUSD TUSD USDP USDS PAX USD DAI UST BTC ETH BNB XRP TRX DOGE DOT SOL TRY EUR GBP AUD BRL RUB UAH NGN ZAR IDR IDRT BIDR BKRW BVND VAI PLN RON ARS JPY MXN CZK COP AEUR EURI USD1 BFUSD'
    .split(' ')
    .sort((a, b) => b.length - a.length)

const STABLE: ReadonlySet<string> = new Set(
  'USDT USDC FDUSD BUSD TUSD USDP USDS PAX USD DAI UST USTC SUSD USDSB EUR GBP AUD AEUR EURI USD1 BFUSD XUSD'.split(' '),
)

/** Assets with the ending of leveraged tokens that are not leveraged tokens. */
const NOT_LEVERAGED: ReadonlySet<string> = new Set(['JUP', 'SYRUP'])

/** Symbols such as BTCUSDT, 1000SHIBUSDT, BTCUSDT_260925, BTCUSD_PERP, CVCUSDTSETTLED: letters of any script, digits and `_`. */
export const symbols: SymbolGrammar = {
  accepts: (text) => /^[\p{L}\p{M}\p{N}\p{S}_.]{1,64}$/u.test(text) && text !== '.' && text !== '..',
  split: splitSymbol,
  quoteSql: (symbol) => `regexp_extract(regexp_replace(split_part(${symbol}, '_', 1), 'SETTLED[0-9]*$', ''), '(?:${QUOTES.join('|')})$')`,
  ranges: ['', 'M'],
}

export function splitSymbol(market: string, symbol: string): SymbolParts {
  const isSettled = /SETTLED\d*$/.test(symbol)
  const [pair = '', suffix = ''] = symbol.replace(/SETTLED\d*$/, '').split('_')
  const quote = QUOTES.find((one) => pair.endsWith(one) && pair.length > one.length) ?? ''
  const named = quote === '' ? pair : pair.slice(0, -quote.length)
  const [, digits = ''] = market === 'um' || market === 'spot' ? (/^(10+)(?=[A-Z])/.exec(named) ?? []) : []
  const base = named.slice(digits.length)
  const contractType = contractTypeOf(market, suffix, isSettled)
  return {
    base,
    quote,
    contractType,
    expiry: contractType === 'delivery' ? suffix : null,
    multiplier: digits === '' ? 1 : Number(digits),
    isLeveraged: market === 'spot' && /.(UP|DOWN|BULL|BEAR)$/.test(base) && !NOT_LEVERAGED.has(base),
    isStablePair: STABLE.has(base) && STABLE.has(quote),
  }
}

function contractTypeOf(market: string, suffix: string, isSettled: boolean): SymbolParts['contractType'] {
  if (market === 'option') return 'option'
  if (isSettled) return 'settled'
  if (market === 'spot' || !Object.hasOwn(MARKETS, market)) return 'spot'
  return /^\d{6}$/.test(suffix) ? 'delivery' : 'perpetual'
}
