import type { MarketFacts } from '../contract.ts'

const IN_BASE = { amounts: 'base', values: 'quote' } as const

/** The markets of the exchange, by the names that its archive and its users use. */
export const MARKETS = {
  spot: { meaning: 'spot', kind: 'spot', units: { ...IN_BASE, bestMatch: true }, example: 'BTCUSDT' },
  um: { meaning: 'USDⓈ-margined futures', kind: 'linear', units: IN_BASE, example: 'BTCUSDT' },
  cm: { meaning: 'coin-margined futures', kind: 'inverse', units: { amounts: 'contracts', values: 'base' }, example: 'BTCUSD_PERP' },
  option: { meaning: 'options', kind: 'option', units: IN_BASE, example: 'BTCBVOLUSDT' },
} as const satisfies Record<string, MarketFacts>

export type Market = keyof typeof MARKETS
