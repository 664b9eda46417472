import { INTERVAL_IDS, type Interval } from '../../../core/interval.ts'
import type { Market } from '../../../core/market.ts'

export type Period = 'daily' | 'monthly'

/** One data type of one market in the archive. */
export type MatrixEntry = {
  readonly market: Market
  /** The type's folder name. */
  readonly type: ArchiveType
  /** Which files there are; the lists name the intervals, empty where the type has none. */
  readonly periods: { readonly [P in Period]?: readonly Interval[] }
  /** First day with data, and the day after the last one where the exchange stopped publishing (YYYY-MM-DD). */
  readonly firstDate: string
  readonly discontinued?: string
  readonly columns: readonly string[]
  /** When a CSV begins with a header. Files are sniffed; this is what to expect. */
  readonly header: 'never' | 'since 2022' | 'always'
  /** How instants are written. Decided per value; this is what to expect. */
  readonly timeUnit: 'ms, µs since 2025-01-01' | 'ms' | 'text'
  readonly quirks: readonly string[]
}

const INTRADAY: readonly Interval[] = ['1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d']
const FUTURES_DAILY = INTRADAY
const FUTURES_MONTHLY: readonly Interval[] = [...INTRADAY, '3d', '1w', '1mo']

const KLINE = 'open_time open high low close volume close_time quote_volume count taker_buy_volume taker_buy_quote_volume ignore'.split(' ')
const AGG_TRADE = 'agg_trade_id price quantity first_trade_id last_trade_id transact_time is_buyer_maker'.split(' ')
const TRADE = 'id price qty quote_qty time is_buyer_maker'.split(' ')
const METRICS =
  'create_time symbol sum_open_interest sum_open_interest_value count_toptrader_long_short_ratio sum_toptrader_long_short_ratio count_long_short_ratio sum_taker_long_short_vol_ratio'.split(
    ' ',
  )
const LIQUIDATION =
  'time side order_type time_in_force original_quantity price average_price order_status last_fill_quantity accumulated_fill_quantity'.split(
    ' ',
  )
const BOOK_TICKER = 'update_id best_bid_price best_bid_qty best_ask_price best_ask_qty transaction_time event_time'.split(' ')
const EOH_SUMMARY =
  'date hour symbol underlying type strike open high low close volume_contracts volume_usdt best_bid_price best_ask_price best_bid_qty best_ask_qty best_buy_iv best_sell_iv mark_price mark_iv delta gamma vega theta openinterest_contracts openinterest_usdt'.split(
    ' ',
  )

const FUTURES_HABITS = { header: 'since 2022', timeUnit: 'ms' } as const
const NO_VOLUME = 'the volume columns are 0 and mean nothing'

const spot: readonly Omit<MatrixEntry, 'market'>[] = [
  {
    type: 'klines',
    periods: { daily: ['1s', ...INTRADAY], monthly: INTERVAL_IDS },
    firstDate: '2017-08-17',
    columns: KLINE,
    header: 'never',
    timeUnit: 'ms, µs since 2025-01-01',
    quirks: [
      'outages are missing rows',
      'bars of December 2017 and February 2018 open off the grid',
      'the ignore column is not zero in 2017',
    ],
  },
  {
    type: 'aggTrades',
    periods: { daily: [], monthly: [] },
    firstDate: '2017-08-17',
    columns: [...AGG_TRADE, 'is_best_match'],
    header: 'never',
    timeUnit: 'ms, µs since 2025-01-01',
    quirks: ['booleans are True and False'],
  },
  {
    type: 'trades',
    periods: { daily: [], monthly: [] },
    firstDate: '2017-08-17',
    columns: [...TRADE, 'is_best_match'],
    header: 'never',
    timeUnit: 'ms, µs since 2025-01-01',
    quirks: ['booleans are True and False'],
  },
]

const futures: readonly Omit<MatrixEntry, 'market'>[] = [
  {
    type: 'klines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-09-08',
    columns: KLINE,
    ...FUTURES_HABITS,
    quirks: ['outages are filler rows of zero volume'],
  },
  {
    type: 'markPriceKlines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-12-31',
    columns: KLINE,
    ...FUTURES_HABITS,
    quirks: [NO_VOLUME],
  },
  {
    type: 'indexPriceKlines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-12-31',
    columns: KLINE,
    ...FUTURES_HABITS,
    quirks: [NO_VOLUME],
  },
  {
    type: 'premiumIndexKlines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-12-31',
    columns: KLINE,
    ...FUTURES_HABITS,
    quirks: [NO_VOLUME, 'values may be negative'],
  },
  { type: 'aggTrades', periods: { daily: [], monthly: [] }, firstDate: '2019-09-08', columns: AGG_TRADE, ...FUTURES_HABITS, quirks: [] },
  { type: 'trades', periods: { daily: [], monthly: [] }, firstDate: '2019-09-08', columns: TRADE, ...FUTURES_HABITS, quirks: [] },
  {
    type: 'fundingRate',
    periods: { monthly: [] },
    firstDate: '2020-01-01',
    columns: ['calc_time', 'funding_interval_hours', 'last_funding_rate'],
    header: 'always',
    timeUnit: 'ms',
    quirks: ['calc_time lies some ms past the hour'],
  },
  {
    type: 'metrics',
    periods: { daily: [] },
    firstDate: '2020-09-01',
    columns: METRICS,
    header: 'always',
    timeUnit: 'text',
    quirks: ['not sorted', 'may hold the first row of the next day'],
  },
  {
    type: 'bookDepth',
    periods: { daily: [] },
    firstDate: '2023-01-01',
    columns: ['timestamp', 'percentage', 'depth', 'notional'],
    header: 'always',
    timeUnit: 'text',
    quirks: ['percentages are -5 in old files and -5.00 in new ones'],
  },
]

const um: readonly Omit<MatrixEntry, 'market'>[] = [
  ...futures,
  {
    type: 'bookTicker',
    periods: { daily: [], monthly: [] },
    firstDate: '2023-05-16',
    discontinued: '2024-03-31',
    columns: BOOK_TICKER,
    ...FUTURES_HABITS,
    quirks: [],
  },
]

const cmOnly: Readonly<Record<string, Partial<MatrixEntry>>> = {
  klines: {
    firstDate: '2020-08-10',
    quirks: ['volume counts contracts and quote_volume the base asset', 'outages are filler rows of zero volume'],
  },
  indexPriceKlines: { quirks: [NO_VOLUME, 'keyed by the bare pair (BTCUSD)'] },
  premiumIndexKlines: { quirks: [NO_VOLUME, 'values may be negative', 'perpetual contracts only'] },
  aggTrades: { firstDate: '2020-08-10', quirks: ['the quantity is written as a float (542.0) since 2026'] },
  trades: { firstDate: '2020-08-10', columns: TRADE.map((name) => (name === 'quote_qty' ? 'base_qty' : name)) },
}

const cm: readonly Omit<MatrixEntry, 'market'>[] = [
  ...futures.map((entry) => ({ ...entry, ...cmOnly[entry.type] })),
  {
    type: 'bookTicker',
    periods: { daily: [], monthly: [] },
    firstDate: '2023-05-16',
    discontinued: '2024-10-15',
    columns: BOOK_TICKER,
    ...FUTURES_HABITS,
    quirks: [],
  },
  {
    type: 'liquidationSnapshot',
    periods: { daily: [] },
    firstDate: '2023-06-25',
    discontinued: '2024-10-15',
    columns: LIQUIDATION,
    header: 'always',
    timeUnit: 'ms',
    quirks: ['every row stands twice', 'days are missing'],
  },
]

const option: readonly Omit<MatrixEntry, 'market'>[] = [
  {
    type: 'BVOLIndex',
    periods: { daily: [] },
    firstDate: '2023-06-20',
    columns: ['calc_time', 'symbol', 'base_asset', 'quote_asset', 'index_value'],
    header: 'always',
    timeUnit: 'ms',
    quirks: ['one row a second'],
  },
  {
    type: 'EOHSummary',
    periods: { daily: [] },
    firstDate: '2023-05-18',
    discontinued: '2023-10-24',
    columns: EOH_SUMMARY,
    header: 'always',
    timeUnit: 'text',
    quirks: ['hours are not sorted', 'numbers such as 0E-8', 'best_buy_iv is always empty'],
  },
]

export const ARCHIVE_TYPES = [
  'klines',
  'markPriceKlines',
  'indexPriceKlines',
  'premiumIndexKlines',
  'aggTrades',
  'trades',
  'fundingRate',
  'metrics',
  'bookDepth',
  'bookTicker',
  'liquidationSnapshot',
  'BVOLIndex',
  'EOHSummary',
] as const

export type ArchiveType = (typeof ARCHIVE_TYPES)[number]

/** Everything the archive publishes: market × type, with what to expect of the files. */
export const ARCHIVE_MATRIX: readonly MatrixEntry[] = Object.entries({ spot, um, cm, option }).flatMap(([market, entries]) => {
  return entries.map((entry) => ({ market: market as Market, ...entry }))
})

/** Other spellings of a type, lower case. */
const TYPE_ALIASES: Readonly<Record<string, ArchiveType>> = {
  premiumindex: 'premiumIndexKlines',
  markprice: 'markPriceKlines',
  indexprice: 'indexPriceKlines',
  agg_trades: 'aggTrades',
  candles: 'klines',
}

/** The type that the text names in any spelling, or undefined. */
export function findArchiveType(text: string): ArchiveType | undefined {
  const lower = text.toLowerCase()
  return (
    ARCHIVE_TYPES.find((type) => type.toLowerCase() === lower || type.toLowerCase() === lower.replaceAll('_', '')) ?? TYPE_ALIASES[lower]
  )
}

export function findEntry(market: Market, type: ArchiveType): MatrixEntry | undefined {
  return ARCHIVE_MATRIX.find((entry) => entry.market === market && entry.type === type)
}
