import { INTERVAL_IDS, type Interval } from '../core/interval.ts'
import { MARKETS, type Market } from '../core/market.ts'
import { aggTrades } from './agg-trades.ts'
import { bookDepth } from './book-depth.ts'
import { bookTicker } from './book-ticker.ts'
import { BVOLIndex } from './bvol-index.ts'
import type { DatasetContract, FieldType } from './contract.ts'
import { EOHSummary } from './eoh-summary.ts'
import { fundingRate } from './funding-rate.ts'
import { indexPriceKlines } from './index-price-klines.ts'
import { klines } from './klines.ts'
import { liquidationSnapshot } from './liquidation-snapshot.ts'
import { markPriceKlines } from './mark-price-klines.ts'
import { metrics } from './metrics.ts'
import { premiumIndexKlines } from './premium-index-klines.ts'
import { trades } from './trades.ts'

/** Every data type that silver can hold. A new one is a file beside this and a line here. */
export const DATASETS = {
  klines,
  markPriceKlines,
  indexPriceKlines,
  premiumIndexKlines,
  aggTrades,
  trades,
  fundingRate,
  metrics,
  bookDepth,
  bookTicker,
  liquidationSnapshot,
  BVOLIndex,
  EOHSummary,
} as const satisfies Record<string, DatasetContract>

export type DatasetId = keyof typeof DATASETS

export const DATASET_IDS = Object.keys(DATASETS) as readonly DatasetId[]

/** What one silver table holds: one data type of one market, at one interval where the type has intervals. */
export type Series = { readonly dataset: DatasetId; readonly market: Market; readonly interval: Interval | undefined }

/** The table's name within its layer: binance_spot_klines_1m. */
export function silverTableName(series: Series): string {
  const type = series.dataset.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase()
  return ['binance', series.market, type, series.interval].filter((part) => part !== undefined).join('_')
}

/** The series that a silver table of such a name holds, or undefined for any other table. */
export function seriesOf(tableName: string): Series | undefined {
  const [, market, rest = ''] = /^binance_([a-z]+)_(.+)$/.exec(tableName) ?? []
  const found = MARKETS.find((one) => one === market)
  if (found === undefined) return undefined
  for (const dataset of DATASET_IDS)
    for (const interval of [undefined, ...INTERVAL_IDS]) {
      const series = { dataset, market: found, interval }
      if (silverTableName(series) === `binance_${market}_${rest}`) return series
    }
  return undefined
}

/** How a field is kept. */
export function storedAs(type: FieldType): TableColumn['type'] {
  return type === 'datetime' || type === 'day' || type === 'hour' ? 'instant' : type
}

export type TableColumn = {
  readonly name: string
  readonly type: 'instant' | 'double' | 'long' | 'string' | 'boolean'
  readonly doc: string
}

/** The silver columns of a series, in order: the symbol, what the CSV carries, and where the row came from. */
export function silverColumns(series: Series): readonly TableColumn[] {
  const published = DATASETS[series.dataset].columns(series.market).flatMap((column) => {
    return column.name === undefined ? [] : [{ name: column.name, type: storedAs(column.type), doc: column.unit }]
  })
  return [
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    ...published,
    { name: 'source', type: 'string', doc: 'archive, api, stream, derived or synthetic' },
    { name: 'source_object', type: 'string', doc: 'key of the bronze object; of a derived row the table that it is made of' },
  ]
}
