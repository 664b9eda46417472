import { barStart, type Interval, nextBar } from '../core/interval.ts'
import type { Market } from '../sources/binance/markets.ts'
import { fixed, scales, type TradeDay } from './trades.ts'

/** A bar in integers: prices in ticks of 0.01, amounts and values in the market's units; times in ms. */
export type Bar = {
  start: number
  open: number
  high: number
  low: number
  close: number
  amount: number
  value: number
  count: number
  takerAmount: number
  takerValue: number
}

/** Builds the bars of one interval from trades. Bars without trades are flat at the last price, like those of the exchange. */
export class BarMaker {
  readonly #interval: Interval
  #open: Bar | undefined
  #done: Bar[] = []

  constructor(interval: Interval) {
    this.#interval = interval
  }

  /** Adds a day and returns the bars that are complete by its end. */
  add(day: TradeDay, dayEnd: number): Bar[] {
    for (let n = 0; n < day.times.length; n++) this.#trade(day, n)
    this.#closeUntil(dayEnd)
    return this.#done.splice(0)
  }

  #trade(day: TradeDay, n: number): void {
    const price = day.prices[n] ?? 0
    const start = barStart(this.#interval, (day.times[n] ?? 0) * 1000) / 1000
    if (this.#open === undefined) this.#open = flat(barStart(this.#interval, day.start * 1000) / 1000, price)
    this.#closeUntil(start)
    const bar = this.#open
    if (bar.count === 0) Object.assign(bar, { open: price, high: price, low: price })
    bar.high = Math.max(bar.high, price)
    bar.low = Math.min(bar.low, price)
    bar.close = price
    bar.count++
    bar.amount += day.amounts[n] ?? 0
    bar.value += day.values[n] ?? 0
    if (day.makers[n] === true) return
    bar.takerAmount += day.amounts[n] ?? 0
    bar.takerValue += day.values[n] ?? 0
  }

  #closeUntil(instant: number): void {
    while (this.#open !== undefined) {
      const end = nextBar(this.#interval, this.#open.start * 1000) / 1000
      if (end > instant) return
      this.#done.push(this.#open)
      this.#open = flat(end, this.#open.close)
    }
  }
}

function flat(start: number, price: number): Bar {
  return { start, open: price, high: price, low: price, close: price, amount: 0, value: 0, count: 0, takerAmount: 0, takerValue: 0 }
}

/** A line of a klines CSV; `unit` is the number of time units per millisecond (1 or 1000). */
export function klineLine(bar: Bar, interval: Interval, market: Market, unit: number): string {
  const end = (nextBar(interval, bar.start * 1000) / 1000) * unit - 1
  const pad = market === 'spot' ? 8 : 0
  const { amount, value } = scales(market)
  const price = (ticks: number) => fixed(ticks, 2, Math.max(2, pad))
  const amounts = (units: number) => fixed(units, amount, Math.max(amount, pad))
  const values = (units: number) => fixed(units, value, Math.max(value, pad))
  const prices = [bar.open, bar.high, bar.low, bar.close].map(price)
  return [
    bar.start * unit,
    ...prices,
    amounts(bar.amount),
    end,
    values(bar.value),
    bar.count,
    amounts(bar.takerAmount),
    values(bar.takerValue),
    0,
  ].join(',')
}
