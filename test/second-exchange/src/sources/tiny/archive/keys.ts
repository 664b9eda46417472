import { LakehouseError } from '../../../core/errors.ts'
import { INTERVAL_IDS } from '../../../core/interval.ts'
import type { DatasetId } from '../../../datasets/registry.ts'
import { isDate } from '../../archive/file-range.ts'
import type { ArchiveFile, ArchiveSeries } from '../../contract.ts'
import { MARKETS } from '../markets.ts'
import { symbols } from '../symbols.ts'

const FOLDERS: Readonly<Partial<Record<DatasetId, string>>> = { klines: 'candles', trades: 'trades' }

export function typePrefix(market: string, _period: 'daily' | 'monthly', dataset: DatasetId): string {
  return `exports/${market}/${FOLDERS[dataset]}/day/`
}

export function seriesPrefix(series: Omit<ArchiveSeries, 'exchange'>): string {
  const interval = series.interval === undefined ? '' : `${series.interval}/`
  return `${typePrefix(series.market, 'daily', series.dataset)}${series.symbol}/${interval}`
}

/** exports/cash/candles/day/BTC-USD/1m/2024-01-01.zip */
export function fileKey(file: ArchiveFile): string {
  return `${seriesPrefix(file)}${file.date}.zip`
}

export function parseKey(key: string): ArchiveFile {
  const [, market = '', folder = '', , symbol = '', ...rest] = key.split('/')
  const dataset = (Object.keys(FOLDERS) as DatasetId[]).find((id) => FOLDERS[id] === folder)
  const interval = INTERVAL_IDS.find((id) => rest.length === 2 && id === rest[0])
  const date = rest.at(-1)?.replace(/\.zip$/, '') ?? ''
  if (!Object.hasOwn(MARKETS, market) || dataset === undefined || !symbols.accepts(symbol) || !isDate(date, 'daily')) throw invalid(key)
  const file: ArchiveFile = { exchange: 'tiny', market, dataset, symbol, interval, period: 'daily', date }
  if (fileKey(file) !== key) throw invalid(key)
  return file
}

function invalid(key: string): LakehouseError {
  return new LakehouseError('ARCHIVE_KEY_INVALID', `"${key}" is not a key of Tiny's archive`, { details: { key } })
}

export function dateSql(key: string): string {
  return `regexp_extract(${key}, '/(\\d{4}-\\d{2}-\\d{2})\\.zip$', 1)`
}

export function symbolSql(key: string): string {
  return `split_part(${key}, '/', 5)`
}

export function ownsSql({ market, dataset, interval }: Omit<ArchiveSeries, 'symbol'>, key: string): string {
  const under = `starts_with(${key}, '${typePrefix(market, 'daily', dataset)}')`
  return `${under} AND ${interval === undefined ? 'true' : `split_part(${key}, '/', 6) = '${interval}'`}`
}
