import type { Interval } from '../core/interval.ts'

/** How a value is stored. long: integer below 2^53. */
export type ColumnType = 'instant' | 'double' | 'long' | 'string' | 'boolean'

/**
 * What a column is. Checks, bars, gaps, exporters and indicators ask for a role, never for a name
 * or a position. A column may have several.
 */
export type Role =
  | 'event_time'
  | 'close_time'
  | 'open'
  | 'high'
  | 'low'
  | 'close'
  | 'price'
  /** How much was traded, in the unit of the market: base asset or contracts. */
  | 'amount'
  /** Value of the amount in the other unit: the quote asset, or the base asset of inverse contracts. */
  | 'value'
  /** The part of both that takers bought. */
  | 'taker_amount'
  | 'taker_value'
  | 'trade_count'
  /** Numbers the rows of a symbol without a hole. */
  | 'sequence'
  /** Numbers the rows of a symbol in order, with holes. */
  | 'order_number'
  /** Ids of the first and the last trade of a row. */
  | 'first_trade_id'
  | 'last_trade_id'
  | 'buyer_is_maker'
  | 'bid_price'
  | 'ask_price'
  /** Distance from the price in percent, negative for bids. */
  | 'band'
  | 'rate'
  | 'interval_hours'
  | 'open_interest'
  | 'open_interest_value'
  /** Longs to shorts of the accounts with the largest margins, and of all accounts; what takers bought to what they sold. */
  | 'top_trader_ratio'
  | 'account_ratio'
  | 'taker_ratio'

/** What a number measures: a rule about prices or amounts applies to every column of that measure. */
export type Measure = 'price' | 'amount'

export type Column = {
  readonly name: string
  readonly type: ColumnType
  /** What one unit means: base asset, quote asset, contracts, trades … */
  readonly unit: string
  readonly roles: readonly Role[]
  readonly measure?: Measure
  /** Values are above zero; without it a measured value may be zero. */
  readonly positive?: true
  /** The exchange may leave it empty: null. */
  readonly optional?: true
}

/** A column of any table of the lake. */
export type TableColumn = { readonly name: string; readonly type: ColumnType; readonly doc: string }

/** What rows are. */
type Kind = 'bars' | 'trades' | 'quotes' | 'depth' | 'funding' | 'metrics' | 'orders' | 'index' | 'options'

/** How a table is partitioned: by calendar day, month or year (UTC) of the event time. */
type PartitionUnit = 'day' | 'month' | 'year'

/** What the amounts of a market are counted in; the columns of some types depend on it. */
export type MarketUnits = {
  readonly amounts: 'base' | 'contracts'
  readonly values: 'quote' | 'base'
  /** Trades say whether they were made at the best price. */
  readonly bestMatch?: true
}

/** What a data type means and how it is stored; the same for every exchange and market, except for units. */
export type DatasetContract = {
  readonly id: string
  readonly meaning: string
  readonly kind: Kind
  /** The columns besides the symbol and the origin of the row, in their order. */
  columns(units: MarketUnits): readonly Column[]
  /** One row per key; rows are sorted by it. The first is always the symbol. */
  readonly key: readonly [symbol: 'symbol', ...rest: string[]]
  readonly eventTime: string
  partition(interval: Interval | undefined): PartitionUnit
  /** Microseconds from one row of a symbol to the next, where there is one in every period; the interval itself for bars. */
  cadence(interval: Interval | undefined): number | undefined
  /** Rows are of an index that several instruments share: they say nothing of when an instrument was listed. */
  readonly ofIndex?: true
  /** Parquet settings found best by measurement for this type's values. */
  readonly parquet: { readonly rowGroupSize: number; readonly dictionarySizeLimit: number; readonly zstdLevel: number }
}

// zstd level 2 costs 30 % less CPU than level 3 for 5 % more bytes; a dictionary beyond 1,000 values never pays for prices.
export const PARQUET = { rowGroupSize: 122_880, dictionarySizeLimit: 1000, zstdLevel: 2 } as const

type ColumnFacts = Partial<Pick<Column, 'measure' | 'positive' | 'optional'>> & { readonly roles?: readonly Role[] }

export function column(name: string, type: ColumnType, unit: string, { roles = [], ...facts }: ColumnFacts = {}): Column {
  return { name, type, unit, roles, ...facts }
}

/** The column of the event time. */
export function eventTime(name: string, unit = 'µs UTC'): Column {
  return column(name, 'instant', unit, { roles: ['event_time'] })
}

/** A column of prices above zero. */
export function price(name: string, ...roles: readonly Role[]): Column {
  return column(name, 'double', 'quote asset', { roles, measure: 'price', positive: true })
}

/** A column of amounts of zero or more. */
export function amount(name: string, unit: string, ...roles: readonly Role[]): Column {
  return column(name, 'double', unit, { roles, measure: 'amount' })
}

/** What the units of a market are called. */
export function unitNames({ amounts, values }: MarketUnits): { amount: string; value: string } {
  return { amount: amounts === 'contracts' ? 'contracts' : 'base asset', value: `${values} asset` }
}
