import { LakehouseError } from '../../../core/errors.ts'
import { INTERVAL_IDS, type Interval } from '../../../core/interval.ts'
import type { Market } from '../../../core/market.ts'
import { formatDay, formatMonth, nextMonth, parseInstant, type TimeRange, US_PER_DAY } from '../../../core/time.ts'
import { type ArchiveType, findArchiveType, findEntry, type Period } from './matrix.ts'

/** All files of one type, symbol and interval in one market. */
export type ArchiveSeries = {
  readonly market: Market
  readonly type: ArchiveType
  readonly symbol: string
  readonly interval: Interval | undefined
}

/** One data file of the archive; `date` is YYYY-MM-DD of a daily, YYYY-MM of a monthly file. */
export type ArchiveFile = ArchiveSeries & { readonly period: Period; readonly date: string }

const MARKET_FOLDERS: Readonly<Record<Market, string>> = { spot: 'spot', um: 'futures/um', cm: 'futures/cm', option: 'option' }

/** The folder under which a market's files of one period and type lie, ending in a slash. */
export function typePrefix(market: Market, period: Period, type: ArchiveType): string {
  return `data/${MARKET_FOLDERS[market]}/${period}/${type}/`
}

/** The folder of a series' files of one period, ending in a slash. */
export function seriesPrefix(series: ArchiveSeries, period: Period): string {
  const interval = series.interval === undefined ? '' : `${series.interval}/`
  return `${typePrefix(series.market, period, series.type)}${series.symbol}/${interval}`
}

/** The key of a data file: data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip */
export function printArchiveKey(file: ArchiveFile): string {
  return `${seriesPrefix(file, file.period)}${fileStem(file)}.zip`
}

/** The name of a file without its extension; the CSV within the zip carries it too. */
function fileStem(file: ArchiveFile): string {
  return `${file.symbol}-${file.interval ?? file.type}-${file.date}`
}

/** The file that a key names. Throws ARCHIVE_KEY_INVALID, saying which part does not follow the grammar. */
export function parseArchiveKey(key: string): ArchiveFile {
  const segments = key.split('/')
  const market = (Object.keys(MARKET_FOLDERS) as Market[]).find((id) => key.startsWith(`data/${MARKET_FOLDERS[id]}/`))
  if (market === undefined) throw invalid(key, 'it names no known market')
  const [period, typeName, symbol, ...rest] = segments.slice(1 + MARKET_FOLDERS[market].split('/').length)
  if (period !== 'daily' && period !== 'monthly') throw invalid(key, 'the period is neither daily nor monthly')
  const type = typeName === undefined ? undefined : findArchiveType(typeName)
  if (type === undefined || type !== typeName) throw invalid(key, 'it names no known data type')
  const intervals = findEntry(market, type)?.periods[period]
  if (intervals === undefined) throw invalid(key, `${market} has no ${period} ${type}`)
  const interval = intervals.length === 0 ? undefined : INTERVAL_IDS.find((id) => id === rest[0])
  if (intervals.length > 0 && interval === undefined) throw invalid(key, 'it names no known interval')
  const name = rest[interval === undefined ? 0 : 1]
  const date = name?.slice(-(period === 'daily' ? 14 : 11), -4)
  if (symbol === undefined || name === undefined || date === undefined) throw invalid(key, 'it is too short')
  const file: ArchiveFile = { market, type, symbol: parseSymbol(symbol), interval, period, date }
  if (!isDate(date, period) || printArchiveKey(file) !== key) throw invalid(key, 'the file name does not follow from its folder')
  return file
}

/** The symbol itself when it can be one: letters of any script, digits and `_`. Throws ARCHIVE_KEY_INVALID. */
export function parseSymbol(text: string): string {
  if (!/^[\p{L}\p{M}\p{N}\p{S}_.]{1,64}$/u.test(text) || text === '.' || text === '..') throw invalid(text, 'it is not a symbol')
  return text
}

/** The half-open range of time that a file's name claims. */
export function fileRange(file: Pick<ArchiveFile, 'period' | 'date'>): TimeRange {
  const start = parseInstant(file.date)
  if (start === undefined) throw invalid(file.date, 'it is not a date')
  return { start, end: file.period === 'daily' ? start + US_PER_DAY : nextMonth(start) }
}

function isDate(text: string, period: Period): boolean {
  const start = parseInstant(text)
  if (start === undefined) return false
  return (period === 'daily' ? formatDay(start) : formatMonth(start)) === text
}

function invalid(text: string, why: string): LakehouseError {
  return new LakehouseError('ARCHIVE_KEY_INVALID', `"${text}" is not an archive key: ${why}`, { details: { key: text } })
}
