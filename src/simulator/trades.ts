import type { Market } from '../sources/binance/markets.ts'
import { Random } from './random.ts'

export const MS_PER_DAY = 86_400_000

/**
 * One day of trades, oldest first, in integers: times in ms, prices in ticks of 0.01, amounts in units of the market
 * (spot 0.00001 base, um 0.001 base, cm whole contracts), values exact in their own unit (see `scales`).
 */
export type TradeDay = {
  readonly start: number
  readonly firstId: number
  readonly times: readonly number[]
  readonly prices: readonly number[]
  readonly amounts: readonly number[]
  readonly values: readonly number[]
  readonly makers: readonly boolean[]
}

/** The decimals of amounts and values. A cm contract is 100 USD; its value is in the base asset with 8 decimals. */
export function scales(market: Market): { amount: number; value: number } {
  return market === 'spot' ? { amount: 5, value: 7 } : market === 'cm' ? { amount: 0, value: 8 } : { amount: 3, value: 5 }
}

/** A random walk of trades, day by day. The same seed and symbol give the same trades. */
export class TradeWalk {
  readonly #random: Random
  readonly #market: Market
  readonly #perDay: number
  #price: number
  #nextId: number

  constructor(options: { seed: string; market: Market; symbol: string; tradesPerDay: number }) {
    this.#random = new Random(`${options.seed}:trades:${options.market}:${options.symbol}`)
    this.#market = options.market
    this.#perDay = options.tradesPerDay
    this.#price = 50_000 + this.#random.integer(4_000_000)
    this.#nextId = 1_000_000 + this.#random.integer(1_000_000)
  }

  next(start: number): TradeDay {
    const random = this.#random
    const times = Array.from({ length: this.#perDay }, () => start + random.integer(MS_PER_DAY)).sort((a, b) => a - b)
    const day: TradeDay = { start, firstId: this.#nextId, times, prices: [], amounts: [], values: [], makers: [] }
    for (let n = 0; n < times.length; n++) {
      this.#price = Math.max(100, this.#price + Math.round((random.normal() * this.#price) / 6000))
      const amount = this.#amount()
      ;(day.prices as number[]).push(this.#price)
      ;(day.amounts as number[]).push(amount)
      ;(day.values as number[]).push(this.#market === 'cm' ? Math.round((amount * 1e12) / this.#price) : this.#price * amount)
      ;(day.makers as boolean[]).push(random.chance(0.5))
    }
    this.#nextId += times.length
    return day
  }

  #amount(): number {
    const size = Math.exp(this.#random.normal())
    return Math.max(1, Math.round(this.#market === 'spot' ? size * 2000 : this.#market === 'cm' ? size * 20 : size * 40))
  }
}

/** An integer of 10^-decimals as text, padded with zeros to `width` decimals. */
export function fixed(value: number, decimals: number, width: number): string {
  const sign = value < 0 ? '-' : ''
  const digits = String(Math.abs(value)).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).padEnd(width, '0')
  return width === 0 ? `${sign}${whole}` : `${sign}${whole}.${fraction}`
}
