import { type FeedColumn, registerFeed } from '../../platform/duckdb/feed.ts'
import { readDoubles } from '../../platform/duckdb/read-doubles.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import type { DuckDBSession } from '../../platform/duckdb/session.ts'
import { isCountedInBase, tradedNames } from '../../sources/series.ts'
import type { AmountRule } from './bar-rule.ts'
import type { TradedRows } from './traded-rows.ts'

/** An exact sum of amounts with at most 8 decimals. Adds whole parts and hundred-millionths separately. */
class ExactSum {
  #whole = 0
  #parts = 0

  add(amount: number): void {
    const whole = Math.trunc(amount)
    this.#whole += whole
    this.#parts += Math.round((amount - whole) * 1e8)
  }

  value(): number {
    // A sum in hundred-millionths is exact while it fits a double. Beyond, the separate fraction is exact enough to round correctly.
    const all = this.#whole * 1e8 + this.#parts
    if (all < 9e15) return all / 1e8
    const carried = Math.floor(this.#parts / 1e8)
    return this.#whole + carried + (this.#parts - carried * 1e8) / 1e8
  }

  clear(): void {
    this.#whole = 0
    this.#parts = 0
  }
}

/** The columns of a finished bar, in the order in which `EventBars` collects them. */
const FIXED = ['open_time', 'close_time', 'open', 'high', 'low', 'close'] as const

/**
 * Builds bars that close after a number of rows or a traded amount. Columns: symbol, bar (from 1), open time of the first row, close time of the last row,
 * prices, exact sums, number of rows, and whether the bar is complete; the last bar of a symbol may be incomplete.
 * A row that exceeds the amount stays in its bar; rows are never split.
 */
export async function eventBars(session: DuckDBSession, source: TradedRows, rows: string, rule: AmountRule): Promise<Relation<string>> {
  const { amount, value, taker_amount: takerAmount, taker_value: takerValue } = tradedNames(source.market)
  const amounts = [amount, value, takerAmount, takerValue]
  const result =
    await session.stream(`SELECT symbol, epoch_us(open_time)::DOUBLE, epoch_us(close_time)::DOUBLE, open, high, low, close, ${amounts.map((name) => `coalesce(${name}, 0)::DOUBLE`).join(', ')}, trade_count::DOUBLE
    FROM (${source.select(rows)}) ORDER BY symbol, place`)
  const bars = new EventBars(rule)
  const columns = Array.from({ length: 11 }, () => new Float64Array(2048))
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const symbols = chunk.getColumnValues(0) as string[]
    for (const [index, column] of columns.entries()) readDoubles(chunk, index + 1, column, 0)
    for (let row = 0; row < chunk.rowCount; row++) bars.add(symbols[row] as string, columns, row)
  }
  bars.end()
  const price = isCountedInBase(source.market) ? `CASE WHEN ${amount} > 0 THEN ${value} / ${amount} END` : undefined
  return await write(session, bars, amounts, price)
}

class EventBars {
  readonly symbols: string[] = []
  readonly numbers: number[][] = []
  readonly values: number[][] = []
  readonly #rule: AmountRule
  readonly #sums = Array.from({ length: 4 }, () => new ExactSum())
  #symbol = ''
  #bar = 0
  #rows = 0
  #trades = 0
  #current: number[] = []

  constructor(rule: AmountRule) {
    this.#rule = rule
  }

  add(symbol: string, columns: readonly Float64Array[], row: number): void {
    if (symbol !== this.#symbol) {
      this.#close(false)
      this.#symbol = symbol
      this.#bar = 0
    }
    const at = (index: number) => columns[index]?.[row] as number
    if (this.#rows === 0) {
      this.#bar++
      this.#current = [at(0), at(1), at(2), at(3), at(4), at(5)]
    } else {
      this.#current[1] = at(1)
      this.#current[3] = Math.max(this.#current[3] as number, at(3))
      this.#current[4] = Math.min(this.#current[4] as number, at(4))
      this.#current[5] = at(5)
    }
    this.#rows++
    this.#trades += at(10)
    for (const [index, sum] of this.#sums.entries()) sum.add(at(6 + index))
    const { by, size } = this.#rule
    const full = by === 'count' ? this.#rows : (this.#sums[by === 'volume' ? 0 : 1]?.value() ?? 0)
    if (full >= size) this.#close(true)
  }

  end(): void {
    this.#close(false)
  }

  #close(isFull: boolean): void {
    if (this.#rows === 0) return
    this.symbols.push(this.#symbol)
    this.numbers.push([this.#bar, this.#trades, this.#rows, isFull ? 1 : 0])
    this.values.push([...this.#current, ...this.#sums.map((sum) => sum.value())])
    for (const sum of this.#sums) sum.clear()
    this.#rows = 0
    this.#trades = 0
  }
}

async function write(
  session: DuckDBSession,
  bars: EventBars,
  amounts: readonly string[],
  price: string | undefined,
): Promise<Relation<string>> {
  const columns: FeedColumn[] = [
    { name: 'symbol', type: 'constant' },
    { name: 'bar', type: 'long' },
    ...FIXED.map((name) => ({ name, type: name.endsWith('time') ? ('instant' as const) : ('double' as const) })),
    ...amounts.map((name) => ({ name, type: 'double' as const })),
    { name: 'trade_count', type: 'long' },
    { name: 'rows_held', type: 'long' },
    { name: 'is_complete', type: 'boolean' },
  ]
  let next = 0
  const feed = await registerFeed(session, columns, (chunk) => {
    const symbol = bars.symbols[next]
    const size = chunk.numbers[1]?.length ?? 0
    const put = (column: number, value: number) => {
      const target = chunk.numbers[column]
      if (target !== undefined) target[chunk.rows] = value
    }
    while (chunk.rows < size && next < bars.symbols.length && bars.symbols[next] === symbol) {
      const [bar = 0, trades = 0, rows = 0, isFull = 0] = bars.numbers[next] ?? []
      put(1, bar)
      for (const [index, value] of (bars.values[next] ?? []).entries()) put(index + 2, value)
      put(12, trades)
      put(13, rows)
      put(14, isFull)
      chunk.rows++
      next++
    }
    chunk.texts[0] = symbol ?? ''
  })
  const [extra, names] = price === undefined ? ['', []] : [`, ${price} AS vwap`, ['vwap']]
  return await Relation.of(session, [...columns.map(({ name }) => name), ...names], `SELECT *${extra} FROM (${feed.sql})`).finally(() =>
    feed.finish(),
  )
}
