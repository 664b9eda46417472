import { afterExpiry } from './after-expiry.ts'
import { amountNegative } from './amount-negative.ts'
import { averagePrice } from './average-price.ts'
import { bookCrossed } from './book-crossed.ts'
import type { Check } from './check.ts'
import { closingTime } from './closing-time.ts'
import { countVolume } from './count-volume.ts'
import { depthMonotone } from './depth-monotone.ts'
import { derivedRows } from './derived-rows.ts'
import { flatRun } from './flat-run.ts'
import { fundingGap } from './funding-gap.ts'
import { fundingGrid } from './funding-grid.ts'
import { fundingInterval } from './funding-interval.ts'
import { fundingJitter } from './funding-jitter.ts'
import { fundingTwice } from './funding-twice.ts'
import { gap } from './gap.ts'
import { idGap } from './id-gap.ts'
import { offGrid } from './off-grid.ts'
import { ohlc } from './ohlc.ts'
import { priceJump } from './price-jump.ts'
import { pricePositive } from './price-positive.ts'
import { quantityZero } from './quantity-zero.ts'
import { quoteQuantity } from './quote-quantity.ts'
import { stalePrice } from './stale-price.ts'
import { takerTotal } from './taker-total.ts'
import { timeOrder } from './time-order.ts'
import { tradeChain } from './trade-chain.ts'
import { valueEmpty } from './value-empty.ts'
import { zeroVolume } from './zero-volume.ts'

/** Every rule for rows. A new rule needs a file in this folder and a line here. */
export const CHECKS = [
  gap,
  ohlc,
  pricePositive,
  amountNegative,
  quantityZero,
  offGrid,
  closingTime,
  takerTotal,
  countVolume,
  averagePrice,
  zeroVolume,
  flatRun,
  idGap,
  tradeChain,
  timeOrder,
  quoteQuantity,
  fundingGap,
  fundingInterval,
  fundingGrid,
  fundingJitter,
  fundingTwice,
  afterExpiry,
  stalePrice,
  priceJump,
  depthMonotone,
  bookCrossed,
  valueEmpty,
  derivedRows,
] as const satisfies readonly Check[]
