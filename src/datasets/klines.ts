import { INTERVALS, type Interval, isIntraday } from '../core/interval.ts'
import type { Market } from '../core/market.ts'
import { type CsvColumn, type DatasetContract, PARQUET } from './contract.ts'

/** Candlesticks: one bar per symbol and interval. */
export const klines = {
  id: 'klines',
  archiveType: 'klines',
  meaning: 'Open, high, low, close and traded amounts of one interval',
  columns,
  key: ['symbol', 'open_time'],
  eventTime: 'open_time',
  partition: barPartition,
  cadence: barCadence,
  parquet: PARQUET,
  decoderVersion: 1,
} as const satisfies DatasetContract

/** Bars of a day and longer are few: a year of them is one partition. */
export function barPartition(interval: Interval | undefined): 'month' | 'year' {
  return interval === undefined || isIntraday(interval) ? 'month' : 'year'
}

/** Calendar months have no fixed length. */
export function barCadence(interval: Interval | undefined): number | undefined {
  return interval === undefined ? undefined : INTERVALS[interval].us
}

/** spot and um count base and quote asset; cm counts contracts, and what its header calls quote volume is base asset. */
function columns(market: Market): readonly CsvColumn[] {
  const coin = market === 'cm'
  const amount = coin ? 'contracts' : 'base asset'
  const value = coin ? 'base asset' : 'quote asset'
  return [
    { name: 'open_time', type: 'instant', unit: 'µs UTC', headers: ['open_time', 'open time'] },
    { name: 'open', type: 'double', unit: 'quote asset', headers: ['open'] },
    { name: 'high', type: 'double', unit: 'quote asset', headers: ['high'] },
    { name: 'low', type: 'double', unit: 'quote asset', headers: ['low'] },
    { name: 'close', type: 'double', unit: 'quote asset', headers: ['close'] },
    { name: coin ? 'contracts' : 'volume', type: 'double', unit: amount, headers: ['volume'] },
    { name: 'close_time', type: 'instant', unit: 'µs UTC', headers: ['close_time', 'close time'] },
    { name: coin ? 'base_volume' : 'quote_volume', type: 'double', unit: value, headers: ['quote_volume', 'quote_asset_volume'] },
    { name: 'trade_count', type: 'long', unit: 'trades', headers: ['count', 'number_of_trades'] },
    {
      name: coin ? 'taker_buy_contracts' : 'taker_buy_volume',
      type: 'double',
      unit: amount,
      headers: ['taker_buy_volume', 'taker_buy_base_asset_volume'],
    },
    {
      name: coin ? 'taker_buy_base_volume' : 'taker_buy_quote_volume',
      type: 'double',
      unit: value,
      headers: ['taker_buy_quote_volume', 'taker_buy_quote_asset_volume'],
    },
    { name: undefined, type: 'string', unit: 'none', headers: ['ignore'] },
  ]
}
