import type { DatasetId } from '../datasets/registry.ts'
import { format } from '../sources/binance/archive/formats.ts'
import type { Market } from '../sources/binance/markets.ts'
import { findOffer } from '../sources/binance/offers.ts'
import type { FieldType } from '../sources/csv/csv-column.ts'
import type { Random } from './random.ts'
import { fixed, MS_PER_DAY, scales, type TradeDay } from './trades.ts'

/** The CSV lines of one day of a data type other than bars. `unit` is the number of time units per millisecond. */
export type DayWriter = (day: TradeDay, context: { market: Market; symbol: string; random: Random; unit: number }) => string[]

const decimal = (value: number, digits: number) => value.toFixed(digits)
const textTime = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')

function boolean(value: boolean, market: Market): string {
  return market === 'spot' ? (value ? 'True' : 'False') : String(value)
}

const trades: DayWriter = (day, { market, unit }) => {
  const { amount, value } = scales(market)
  const pad = market === 'spot' ? 8 : 0
  return day.times.map((time, n) => {
    const fields = [
      day.firstId + n,
      fixed(day.prices[n] ?? 0, 2, Math.max(2, pad)),
      fixed(day.amounts[n] ?? 0, amount, Math.max(amount, pad)),
      fixed(day.values[n] ?? 0, value, Math.max(value, pad)),
    ]
    return [...fields, time * unit, boolean(day.makers[n] === true, market), ...(market === 'spot' ? ['True'] : [])].join(',')
  })
}

/** Joins neighbouring trades at one price and side within a tenth of a second into one aggregate. */
const aggTrades: DayWriter = (day, { market, unit }) => {
  const { amount } = scales(market)
  const pad = market === 'spot' ? 8 : 0
  const lines: string[] = []
  let id = Math.floor(day.firstId / 2)
  for (let n = 0; n < day.times.length; ) {
    let last = n
    let sum = day.amounts[n] ?? 0
    while (
      day.prices[last + 1] === day.prices[n] &&
      day.makers[last + 1] === day.makers[n] &&
      (day.times[last + 1] ?? 0) - (day.times[n] ?? 0) < 100
    )
      sum += day.amounts[++last] ?? 0
    const fields = [
      id++,
      fixed(day.prices[n] ?? 0, 2, Math.max(2, pad)),
      fixed(sum, amount, Math.max(amount, pad)),
      day.firstId + n,
      day.firstId + last,
      (day.times[n] ?? 0) * unit,
    ]
    lines.push([...fields, boolean(day.makers[n] === true, market), ...(market === 'spot' ? ['True'] : [])].join(','))
    n = last + 1
  }
  return lines
}

const fundingRate: DayWriter = (day, { random }) =>
  [0, 8, 16].map((hour) => [day.start + hour * 3_600_000 + random.integer(14), 8, decimal(random.normal() / 10_000, 8)].join(','))

/** Rows on a 5-minute grid, unsorted and with the first row of the next day, like those of the exchange. */
const metrics: DayWriter = (day, { symbol, random }) => {
  const row = (slot: number) => {
    const interest = 50_000 + 5000 * random.normal()
    const ratios = Array.from({ length: 4 }, () => decimal(1 + Math.abs(random.normal()) / 3, 8))
    return [
      textTime(day.start + slot * 300_000),
      symbol,
      decimal(interest, 16),
      decimal((interest * (day.prices[0] ?? 0)) / 100, 16),
      ...ratios,
    ].join(',')
  }
  const lines = Array.from({ length: 288 }, (_, slot) => row(slot + 1))
  return [...lines.slice(100), ...lines.slice(0, 100)]
}

const bookDepth: DayWriter = (day, { random }) => {
  const lines: string[] = []
  for (let ms = 4000; ms < MS_PER_DAY; ms += 30_000) {
    for (const percentage of [-5, -4, -3, -2, -1, -0.2, 0.2, 1, 2, 3, 4, 5]) {
      const depth = Math.abs(percentage) * 1000 + 10 * random.normal()
      lines.push(
        [textTime(day.start + ms), percentage.toFixed(2), decimal(depth, 8), decimal((depth * (day.prices[0] ?? 0)) / 100, 8)].join(','),
      )
    }
  }
  return lines
}

const bookTicker: DayWriter = (day, { random }) =>
  day.times.map((time, n) => {
    const price = day.prices[n] ?? 0
    const quantity = () => decimal(1 + random.integer(50_000) / 1000, 8)
    return [
      day.firstId * 3 + n,
      fixed(price - 1, 2, 8),
      quantity(),
      fixed(price + 1, 2, 8),
      quantity(),
      time,
      time + random.integer(9),
    ].join(',')
  })

/** Writes every row twice, like the exchange. */
const liquidationSnapshot: DayWriter = (day, { random }) =>
  day.times.flatMap((time, n) => {
    if (n % 50 !== 0) return []
    const quantity = 1 + random.integer(40)
    const price = fixed(day.prices[n] ?? 0, 2, 2)
    const line = [time, random.chance(0.5) ? 'BUY' : 'SELL', 'LIMIT', 'IOC', quantity, price, price, 'FILLED', quantity, quantity].join(',')
    return [line, line]
  })

const bvolIndex: DayWriter = (day, { symbol, random }) => {
  let level = 40 + random.normal()
  return Array.from({ length: 86_400 }, (_, second) => {
    level = Math.max(5, level + random.normal() / 100)
    return [day.start + second * 1000, symbol, symbol.replace(/USDT$/, ''), 'USDT', decimal(level, 4)].join(',')
  })
}

const eohSummary: DayWriter = (day, { symbol, random }) => {
  const date = new Date(day.start).toISOString().slice(0, 10)
  const hours = Array.from({ length: 24 }, (_, hour) => (hour * 7) % 24)
  return hours.flatMap((hour) =>
    ['C', 'P'].flatMap((type) =>
      [90, 100, 110].map((level) => {
        const strike = Math.round(((day.prices[0] ?? 0) * level) / 10_000)
        const numbers = Array.from({ length: 14 }, () => decimal(Math.abs(random.normal()), 4))
        const name = `${symbol.replace(/USDT$/, '')}-${date.replaceAll('-', '').slice(2)}-${strike}-${type}`
        return [
          date,
          hour,
          name,
          symbol,
          type,
          strike,
          ...numbers.slice(0, 10),
          '""',
          ...numbers.slice(10, 13),
          '0E-8',
          ...numbers.slice(0, 3),
          '""',
          numbers[13],
        ].join(',')
      }),
    ),
  )
}

/** The data types with a writer of their own, which imitates the exchange. Bars are written elsewhere. */
export const DAY_WRITERS: Readonly<Partial<Record<DatasetId, DayWriter>>> = {
  trades,
  aggTrades,
  fundingRate,
  metrics,
  bookDepth,
  bookTicker,
  liquidationSnapshot,
  BVOLIndex: bvolIndex,
  EOHSummary: eohSummary,
}

/** Writes a row every five minutes, with values for the types of its columns. Used for data types without a writer of their own. */
export function plainWriter(type: DatasetId): DayWriter {
  return (day, { market, symbol, random, unit }) => {
    const { columns } = format(type, market)
    return Array.from({ length: 288 }, (_, slot) => {
      const ms = day.start + slot * 300_000
      const values: Readonly<Record<FieldType, () => string | number>> = {
        instant: () => ms * unit,
        datetime: () => textTime(ms),
        day: () => textTime(ms).slice(0, 10),
        hour: () => new Date(ms).getUTCHours(),
        double: () => decimal(Math.abs(random.normal()), 8),
        long: () => slot,
        string: () => symbol,
        boolean: () => 'true',
      }
      return columns.map((column) => values[column.type]()).join(',')
    })
  }
}

/** The header line of a CSV file, or undefined when the archive has no header on that day. */
export function headerOf(market: Market, type: DatasetId, start: number): string | undefined {
  const entry = findOffer(market, type)
  const headers = format(type, market).columns.map(({ headers }) => headers[0])
  if (entry === undefined || entry.archive.header === 'never') return undefined
  return entry.archive.header === 'always' || start >= Date.UTC(2022, 5, 1) ? headers.join(',') : undefined
}

/** Spot files use microseconds from 2025. */
export function timeUnit(market: Market, start: number): number {
  return market === 'spot' && start >= Date.UTC(2025, 0, 1) ? 1000 : 1
}
