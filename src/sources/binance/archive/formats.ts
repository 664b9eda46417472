import { DATASETS, type DatasetId } from '../../../datasets/registry.ts'
import type { ArchiveFormat } from '../../contract.ts'
import { csvColumns, type Published } from '../../csv/published.ts'
import { MARKETS, type Market } from '../markets.ts'

const KLINE: readonly Published[] = [
  { role: 'event_time', headers: ['open_time', 'open time'] },
  'open',
  'high',
  'low',
  'close',
  { role: 'amount', headers: ['volume'] },
  { role: 'close_time', headers: ['close_time', 'close time'] },
  { role: 'value', headers: ['quote_volume', 'quote_asset_volume'] },
  { role: 'trade_count', headers: ['count', 'number_of_trades'] },
  { role: 'taker_amount', headers: ['taker_buy_volume', 'taker_buy_base_asset_volume'] },
  { role: 'taker_value', headers: ['taker_buy_quote_volume', 'taker_buy_quote_asset_volume'] },
  { unused: 'ignore' },
]

/** Bars without trades have the same columns as klines. */
const PRICE_KLINE: readonly Published[] = [
  'open_time',
  'open',
  'high',
  'low',
  'close',
  { passed: 'volume' },
  'close_time',
  { passed: 'quote_volume' },
  { name: 'sample_count', headers: ['count'] },
  { passed: 'taker_buy_volume' },
  { passed: 'taker_buy_quote_volume' },
  { unused: 'ignore' },
]

/** The columns of the CSV of a type in published order, if they differ from the columns of the data set. */
const LAYOUTS: Readonly<Partial<Record<DatasetId, readonly Published[]>>> = {
  klines: KLINE,
  markPriceKlines: PRICE_KLINE,
  indexPriceKlines: PRICE_KLINE,
  premiumIndexKlines: PRICE_KLINE,
  aggTrades: [
    'agg_trade_id',
    'price',
    { role: 'amount', headers: ['quantity'] },
    'first_trade_id',
    'last_trade_id',
    'transact_time',
    'is_buyer_maker',
    'is_best_match',
  ],
  trades: ['id', 'price', { role: 'amount', headers: ['qty'] }, { role: 'value' }, 'time', 'is_buyer_maker', 'is_best_match'],
  metrics: [
    { role: 'event_time', as: 'datetime' },
    { symbol: 'symbol' },
    'sum_open_interest',
    'sum_open_interest_value',
    'count_toptrader_long_short_ratio',
    'sum_toptrader_long_short_ratio',
    'count_long_short_ratio',
    'sum_taker_long_short_vol_ratio',
  ],
  bookDepth: [{ role: 'event_time', as: 'datetime' }, 'percentage', 'depth', 'notional'],
  BVOLIndex: ['calc_time', { symbol: 'symbol' }, 'base_asset', 'quote_asset', 'index_value'],
  EOHSummary: [
    { role: 'event_time', headers: ['date'], as: 'day' },
    { hours: 'hour' },
    { name: 'contract', headers: ['symbol'] },
    { symbol: 'underlying' },
    'type',
    'strike',
    'open',
    'high',
    'low',
    'close',
    'volume_contracts',
    'volume_usdt',
    'best_bid_price',
    'best_ask_price',
    'best_bid_qty',
    'best_ask_qty',
    'best_buy_iv',
    'best_sell_iv',
    'mark_price',
    'mark_iv',
    'delta',
    'gamma',
    'vega',
    'theta',
    { name: 'open_interest_contracts', headers: ['openinterest_contracts'] },
    { name: 'open_interest_usdt', headers: ['openinterest_usdt'] },
  ],
}

/** The versions of decoders whose rows have changed. */
const VERSIONS: Readonly<Partial<Record<DatasetId, number>>> = { bookDepth: 2, metrics: 2, BVOLIndex: 2, EOHSummary: 2 }

const FORMATS = new Map<string, ArchiveFormat>()

/** The CSV format of a type and market; always the same object. */
export function format(dataset: DatasetId, market: string): ArchiveFormat {
  const known = FORMATS.get(`${dataset} ${market}`)
  if (known !== undefined) return known
  const made = makeFormat(dataset, market)
  FORMATS.set(`${dataset} ${market}`, made)
  return made
}

function makeFormat(dataset: DatasetId, market: string): ArchiveFormat {
  const columns = DATASETS[dataset].columns(MARKETS[market as Market].units)
  return {
    columns: csvColumns(LAYOUTS[dataset] ?? columns.map(({ name }) => name), columns),
    decoderVersion: VERSIONS[dataset] ?? 1,
  }
}
