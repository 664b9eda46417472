import { LakehouseError } from '../../../core/errors.ts'
import { INTERVAL_IDS } from '../../../core/interval.ts'
import { type DatasetId, findDataset } from '../../../datasets/registry.ts'
import { isDate } from '../../archive/file-range.ts'
import type { ArchiveFile, ArchiveSeries, Period } from '../../contract.ts'
import type { Market } from '../markets.ts'
import { findOffer } from '../offers.ts'
import { symbols } from '../symbols.ts'

const EXCHANGE = 'binance'

const MARKET_FOLDERS: Readonly<Record<Market, string>> = { spot: 'spot', um: 'futures/um', cm: 'futures/cm', option: 'option' }

/** The folder of the files of a market, period and type, ending in a slash. The folder of a type has the name of the type. */
export function typePrefix(market: string, period: Period, dataset: DatasetId): string {
  return `data/${MARKET_FOLDERS[market as Market]}/${period}/${dataset}/`
}

type BinanceSeries = Omit<ArchiveSeries, 'exchange'>

/** The folder of the files of a series and period, ending in a slash. */
export function seriesPrefix(series: BinanceSeries, period: Period): string {
  const interval = series.interval === undefined ? '' : `${series.interval}/`
  return `${typePrefix(series.market, period, series.dataset)}${series.symbol}/${interval}`
}

/** The key of a data file: data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip */
export function printArchiveKey(file: BinanceSeries & Pick<ArchiveFile, 'period' | 'date'>): string {
  return `${seriesPrefix(file, file.period)}${file.symbol}-${file.interval ?? file.dataset}-${file.date}.zip`
}

/** The file that a key names. Throws ARCHIVE_KEY_INVALID, saying which part does not follow the grammar. */
export function parseArchiveKey(key: string): ArchiveFile {
  const segments = key.split('/')
  const market = (Object.keys(MARKET_FOLDERS) as Market[]).find((id) => key.startsWith(`data/${MARKET_FOLDERS[id]}/`))
  if (market === undefined) throw invalid(key, 'its market is not known')
  const [period, typeName, symbol, ...rest] = segments.slice(1 + MARKET_FOLDERS[market].split('/').length)
  if (period !== 'daily' && period !== 'monthly') throw invalid(key, 'its period is neither daily nor monthly')
  const dataset = typeName === undefined ? undefined : findDataset(typeName)
  if (dataset === undefined || dataset !== typeName) throw invalid(key, 'its data type is not known')
  const intervals = findOffer(market, dataset)?.archive.periods[period]
  if (intervals === undefined) throw invalid(key, `${market} does not have ${period} files of ${dataset}`)
  const interval = intervals.length === 0 ? undefined : INTERVAL_IDS.find((id) => id === rest[0])
  if (intervals.length > 0 && interval === undefined) throw invalid(key, 'its interval is not known')
  const name = rest[interval === undefined ? 0 : 1]
  const date = name?.slice(-(period === 'daily' ? 14 : 11), -4)
  if (symbol === undefined || name === undefined || date === undefined) throw invalid(key, 'it is too short')
  if (!symbols.accepts(symbol)) throw invalid(symbol, 'its symbol is not valid')
  const file: ArchiveFile = { exchange: EXCHANGE, market, dataset, symbol, interval, period, date }
  if (!isDate(date, period) || printArchiveKey(file) !== key) throw invalid(key, 'its file name does not match its folder')
  return file
}

function invalid(text: string, why: string): LakehouseError {
  return new LakehouseError('ARCHIVE_KEY_INVALID', `"${text}" is not an archive key: ${why}; see \`catalog files\` for valid keys`, {
    details: { key: text },
  })
}

/** SQL of the date in an object's key, YYYY-MM-DD or YYYY-MM. */
export function dateSql(key: string): string {
  return `regexp_extract(${key}, '-(\\d{4}-\\d{2}(?:-\\d{2})?)\\.zip$', 1)`
}

/** SQL of the symbol in an object's key. */
export function symbolSql(key: string): string {
  return `regexp_extract(${key}, '/([^/]+)-[^/-]+-\\d{4}-\\d{2}(?:-\\d{2})?\\.zip$', 1)`
}

/** SQL that is true for the keys of a series' objects. */
export function ownsSql({ market, dataset, interval }: Omit<BinanceSeries, 'symbol'>, key: string): string {
  const under = (['daily', 'monthly'] as const).map((period) => `starts_with(${key}, '${typePrefix(market, period, dataset)}')`)
  return `(${under.join(' OR ')}) AND ${interval === undefined ? 'true' : `${key} LIKE '%/${interval}/%'`}`
}
