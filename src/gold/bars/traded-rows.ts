import { LakehouseError } from '../../core/errors.ts'
import { INTERVALS } from '../../core/interval.ts'
import type { Market } from '../../core/market.ts'
import { DATASETS, type Series, seriesOf } from '../../datasets/registry.ts'

/** Rows that bars can be made of, brought to one shape. */
export type TradedRows = {
  readonly market: Market
  /** How long each row lasts, µs; undefined for trades. */
  readonly us: number | undefined
  readonly interval: string
  /** Whether rows say what they are worth. */
  readonly hasWorth: boolean
  /** SQL of: symbol, open_time, close_time, place (order within the symbol), open, high, low, close, and the amounts under the names of klines of the market. */
  select(rows: string): string
}

/** Of rows that do not say what they are worth. */
const NO_WORTH = 'NULL::DOUBLE'

/** How a table's rows are read as what was traded: klines of any interval, our own bars, trades or aggregated trades. Throws INDICATOR_INVALID for any other. */
export function tradedRows(table: string): TradedRows {
  const [, gold = '', unit = ''] = /^gold\.binance_([a-z]+)_bars_(\w+)$/.exec(table) ?? []
  const series = gold === '' ? seriesOf(table.replace(/^silver\./, '')) : seriesOf(`binance_${gold}_klines_${unit}`)
  if (series?.dataset === 'klines') return ofBars(series)
  if (series?.dataset === 'trades')
    return ofTrades(series.market, { id: 'id', time: 'time', ...unitsOf(series.market, 'qty', 'quote_qty', 'base_qty'), count: '1' })
  if (series?.dataset === 'aggTrades') {
    const product = (quantity: string) => `round(price * ${quantity}, 8)`
    const worth = series.market === 'cm' ? NO_WORTH : product('quantity')
    const quantity = series.market === 'cm' ? 'contracts' : 'quantity'
    return ofTrades(series.market, {
      id: 'agg_trade_id',
      time: 'transact_time',
      quantity,
      worth,
      count: 'last_trade_id - first_trade_id + 1',
    })
  }
  throw new LakehouseError('INDICATOR_INVALID', `bars are made of klines, trades or aggregated trades, not of ${table}`, {
    details: { table },
  })
}

function unitsOf(market: Market, quantity: string, worth: string, coinWorth: string): { quantity: string; worth: string } {
  return market === 'cm' ? { quantity: 'contracts', worth: coinWorth } : { quantity, worth }
}

function ofBars({ market, interval }: Series): TradedRows {
  return {
    market,
    us: interval === undefined ? undefined : INTERVALS[interval].us,
    interval: interval ?? '',
    hasWorth: true,
    select: (rows) => `SELECT *, epoch_us(open_time) AS place FROM (${rows})`,
  }
}

function ofTrades(
  market: Market,
  { id, time, quantity, worth, count }: { id: string; time: string; quantity: string; worth: string; count: string },
): TradedRows {
  const [amount, value, takerAmount, takerValue] = amountNames(market)
  const taken = (sql: string) => (sql === NO_WORTH ? sql : `CASE WHEN is_buyer_maker THEN 0 ELSE ${sql} END`)
  return {
    market,
    us: undefined,
    interval: 'trades',
    hasWorth: worth !== NO_WORTH,
    select: (
      rows,
    ) => `SELECT symbol, ${time} AS open_time, ${time} AS close_time, ${id} AS place, price AS open, price AS high, price AS low, price AS close, ${quantity} AS ${amount}, ${worth} AS ${value},
      (${count})::BIGINT AS trade_count, ${taken(quantity)} AS ${takerAmount}, ${taken(worth)} AS ${takerValue} FROM (${rows})`,
  }
}

/** What klines of a market call the traded amount, its worth, and the takers' part of both. */
export function amountNames(market: Market): readonly [amount: string, value: string, takerAmount: string, takerValue: string] {
  const names = DATASETS.klines.columns(market).flatMap(({ name, type }) => (name !== undefined && type === 'double' ? [name] : []))
  const [amount = '', value = '', takerAmount = '', takerValue = ''] = names.slice(4)
  return [amount, value, takerAmount, takerValue]
}
