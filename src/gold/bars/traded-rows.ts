import { LakehouseError } from '../../core/errors.ts'
import { INTERVALS } from '../../core/interval.ts'
import {
  columnNames,
  findColumn,
  findNames,
  isCountedInBase,
  isSingleTrades,
  isTradedBars,
  isTrades,
  type MarketRef,
  type Series,
  seriesOf,
  tradedNames,
} from '../../sources/series.ts'
import { barSeriesOf, tradedBars } from './bars.ts'

/** Rows from which bars can be built, in one common shape. */
export type TradedRows = {
  readonly market: MarketRef
  /** The length of a row, µs; undefined for trades. */
  readonly us: number | undefined
  readonly interval: string
  /** SQL of the origin of a row of `select`: archive, api, stream, derived or synthetic. A table of bars of an early version does not have the columns for it. */
  origin(columns: ReadonlySet<string>): string
  /** Whether the rows have a quote value. */
  readonly hasQuoteValue: boolean
  /** SQL of symbol, open_time, close_time, place (the order within the symbol), open, high, low, close, and the amounts, named like those of traded bars of the market. */
  select(rows: string): string
}

/** Reads the rows of a table as traded rows: published bars of any interval, our own bars, trades or aggregated trades. Throws INDICATOR_INVALID for other tables. */
export function tradedRows(table: string): TradedRows {
  const bars = table.startsWith('gold.') ? barSeriesOf(table.slice('gold.'.length)) : undefined
  const series = bars === undefined ? seriesOf(table.replace(/^silver\./, '')) : tradedBars(bars)
  if (series !== undefined && isTradedBars(series))
    return ofBars(series, (columns) => (bars === undefined ? 'source' : columns.has('bars_synthetic') ? ORIGIN_OF_BARS : "'archive'"))
  if (series !== undefined && isTrades(series)) return ofTrades(series)
  throw new LakehouseError('INDICATOR_INVALID', `cannot build bars from ${table}: name a table of klines, trades or aggregated trades`, {
    details: { table },
  })
}

/** A bar with invented parts is invented. */
const ORIGIN_OF_BARS = "CASE WHEN bars_synthetic > 0 THEN 'synthetic' WHEN bars_derived > 0 THEN 'derived' ELSE 'archive' END"

function ofBars(series: Series, origin: TradedRows['origin']): TradedRows {
  const { interval } = series
  return {
    market: series,
    us: interval === undefined ? undefined : INTERVALS[interval].us,
    interval: interval ?? '',
    origin,
    hasQuoteValue: true,
    select: (rows) => `SELECT *, epoch_us(open_time) AS place FROM (${rows})`,
  }
}

function ofTrades(series: Series): TradedRows {
  const bar = tradedNames(series)
  const at = columnNames(series, 'event_time', 'sequence', 'price', 'amount', 'buyer_is_maker')
  const quoteValue = quoteValueOf(series)
  const taken = (sql: string) => `CASE WHEN ${at.buyer_is_maker} THEN 0 ELSE ${sql} END`
  return {
    market: series,
    us: undefined,
    interval: 'trades',
    origin: () => 'source',
    hasQuoteValue: quoteValue !== undefined,
    select: (rows) => `SELECT symbol, ${at.event_time} AS open_time, ${at.event_time} AS close_time, ${at.sequence} AS place,
      ${['open', 'high', 'low', 'close'].map((name) => `${at.price} AS ${name}`).join(', ')}, ${at.amount} AS ${bar.amount}, ${quoteValue ?? NO_QUOTE_VALUE} AS ${bar.value},
      (${countOf(series)})::BIGINT AS ${bar.trade_count}, ${taken(at.amount)} AS ${bar.taker_amount}, ${quoteValue === undefined ? NO_QUOTE_VALUE : taken(quoteValue)} AS ${bar.taker_value}, source FROM (${rows})`,
  }
}

const NO_QUOTE_VALUE = 'NULL::DOUBLE'

/** SQL of the quote value of a trade; undefined when the rows neither have it nor allow to compute it. */
function quoteValueOf(series: Series): string | undefined {
  const value = findColumn(series, 'value')
  if (value !== undefined) return value.name
  const { price, amount } = columnNames(series, 'price', 'amount')
  return isCountedInBase(series) ? `round(${price} * ${amount}, 8)` : undefined
}

/** SQL of the number of trades in a row. */
function countOf(series: Series): string {
  const ids = findNames(series, 'first_trade_id', 'last_trade_id')
  return ids === undefined || isSingleTrades(series) ? '1' : `${ids.last_trade_id} - ${ids.first_trade_id} + 1`
}
