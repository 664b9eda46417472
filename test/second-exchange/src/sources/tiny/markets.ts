import type { MarketFacts } from '../contract.ts'

/** Coins against dollars, and contracts of 100 dollars that are settled in coins. */
export const MARKETS = {
  cash: { meaning: 'coins against dollars', kind: 'spot', units: { amounts: 'base', values: 'quote' }, example: 'BTC-USD' },
  swap: {
    meaning: 'contracts settled in coins',
    kind: 'inverse',
    units: { amounts: 'contracts', values: 'base' },
    example: 'BTC-USD-SWAP',
  },
} as const satisfies Record<string, MarketFacts>

export type Market = keyof typeof MARKETS
