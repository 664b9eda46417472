import { aggTrades } from './agg-trades.ts'
import { bookDepth } from './book-depth.ts'
import { bookTicker } from './book-ticker.ts'
import { BVOLIndex } from './bvol-index.ts'
import type { DatasetContract } from './contract.ts'
import { EOHSummary } from './eoh-summary.ts'
import { fundingRate } from './funding-rate.ts'
import { indexPriceKlines } from './index-price-klines.ts'
import { klines } from './klines.ts'
import { liquidationSnapshot } from './liquidation-snapshot.ts'
import { markPriceKlines } from './mark-price-klines.ts'
import { metrics } from './metrics.ts'
import { premiumIndexKlines } from './premium-index-klines.ts'
import { trades } from './trades.ts'

/** Every data type that silver can hold. A new type needs a file in this folder and a line here. */
export const DATASETS = {
  klines,
  markPriceKlines,
  indexPriceKlines,
  premiumIndexKlines,
  aggTrades,
  trades,
  fundingRate,
  metrics,
  bookDepth,
  bookTicker,
  liquidationSnapshot,
  BVOLIndex,
  EOHSummary,
} as const satisfies Record<string, DatasetContract>

export type DatasetId = keyof typeof DATASETS

export const DATASET_IDS = Object.keys(DATASETS) as readonly DatasetId[]

/** Traded bars, from which bars of other lengths are built. */
export const TRADED_BARS = klines.id satisfies DatasetId

/** Payments between the holders of perpetual contracts. */
export const FUNDING = fundingRate.id satisfies DatasetId

/** Other spellings of a type, lower case. */
const ALIASES: Readonly<Record<string, DatasetId>> = {
  premiumindex: 'premiumIndexKlines',
  markprice: 'markPriceKlines',
  indexprice: 'indexPriceKlines',
  candles: 'klines',
}

/** The type that the text names in any spelling, or undefined. */
export function findDataset(text: string): DatasetId | undefined {
  const lower = text.toLowerCase()
  const plain = lower.replaceAll('_', '')
  return DATASET_IDS.find((id) => id.toLowerCase() === plain) ?? ALIASES[lower]
}
