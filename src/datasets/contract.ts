import type { Interval } from '../core/interval.ts'

/** How a value is stored. long: integer below 2^53. */
export type ColumnType = 'instant' | 'double' | 'long' | 'string' | 'boolean'

/**
 * The meaning of a column. Checks, bars, gaps, exporters and indicators find columns by role, never by
 * name or position. A column may have several roles.
 */
export type Role =
  | 'event_time'
  | 'close_time'
  | 'open'
  | 'high'
  | 'low'
  | 'close'
  | 'price'
  /** The traded amount, in the unit of the market: base asset or contracts. */
  | 'amount'
  /** The value of the amount: in the quote asset, or in the base asset for inverse contracts. */
  | 'value'
  /** The part of amount and value that takers bought. */
  | 'taker_amount'
  | 'taker_value'
  | 'trade_count'
  /** Numbers the rows of a symbol without gaps. */
  | 'sequence'
  /** Numbers the rows of a symbol in order, with gaps. */
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
  /** Ratios of longs to shorts for the accounts with the largest margins and for all accounts, and of taker buys to taker sells. */
  | 'top_trader_ratio'
  | 'account_ratio'
  | 'taker_ratio'

/** What a number measures. A rule about prices or amounts applies to every column of that measure. */
export type Measure = 'price' | 'amount'

export type Column = {
  readonly name: string
  readonly type: ColumnType
  /** What one unit means: base asset, quote asset, contracts, trades … */
  readonly unit: string
  readonly roles: readonly Role[]
  readonly measure?: Measure
  /** Values must be above zero; otherwise a measured value may be zero. */
  readonly positive?: true
  /** The exchange may leave it empty: null. */
  readonly optional?: true
}

/** A column of any table of the lake. */
export type TableColumn = { readonly name: string; readonly type: ColumnType; readonly doc: string }

/** The kind of the rows. */
type Kind = 'bars' | 'trades' | 'quotes' | 'depth' | 'funding' | 'metrics' | 'orders' | 'index' | 'options'

/** How a table is partitioned: by calendar day, month or year (UTC) of the event time. */
type PartitionUnit = 'day' | 'month' | 'year'

/** The units of the amounts of a market. The columns of some types depend on them. */
export type MarketUnits = {
  readonly amounts: 'base' | 'contracts'
  readonly values: 'quote' | 'base'
  /** Whether trades say if they were at the best price. */
  readonly bestMatch?: true
}

/** The meaning and storage of a data type. It is the same for every exchange and market, except for units. */
export type DatasetContract = {
  readonly id: string
  readonly meaning: string
  readonly kind: Kind
  /** The columns in order, without the symbol and the origin of the row. */
  columns(units: MarketUnits): readonly Column[]
  /** The key columns: rows are unique and sorted by them. The first is always the symbol. */
  readonly key: readonly [symbol: 'symbol', ...rest: string[]]
  readonly eventTime: string
  partition(interval: Interval | undefined): PartitionUnit
  /** Microseconds from one row of a symbol to the next, if every period has a row; for bars, the interval itself. */
  cadence(interval: Interval | undefined): number | undefined
  /** Whether rows belong to an index that several instruments share. Such rows do not show when an instrument was listed. */
  readonly ofIndex?: true
  /** The Parquet settings that measured best for the values of this type. */
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

/** The names of the units of a market. */
export function unitNames({ amounts, values }: MarketUnits): { amount: string; value: string } {
  return { amount: amounts === 'contracts' ? 'contracts' : 'base asset', value: `${values} asset` }
}
