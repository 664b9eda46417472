import type { SymbolGrammar } from '../contract.ts'

/** BTC-USD, BTC-USD-SWAP. */
export const symbols: SymbolGrammar = {
  accepts: (text) => /^[A-Z0-9]{2,10}-[A-Z]{3,5}(-SWAP)?$/.test(text),
  split: (market, symbol) => {
    const [base = '', quote = ''] = symbol.split('-')
    return {
      base,
      quote,
      contractType: market === 'swap' ? 'perpetual' : 'spot',
      expiry: null,
      multiplier: 1,
      isLeveraged: false,
      isStablePair: false,
    }
  },
  quoteSql: (symbol) => `split_part(${symbol}, '-', 2)`,
  ranges: [''],
}
