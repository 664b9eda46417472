import type { Interval } from '../core/interval.ts'
import type { TimeRange } from '../core/time.ts'
import type { MarketUnits } from '../datasets/contract.ts'
import type { DatasetId } from '../datasets/registry.ts'
import type { CsvColumn } from './csv/csv-column.ts'

/** What a market trades: the asset itself, contracts settled in the quote asset (linear) or in the base asset (inverse), or options. */
type MarketKind = 'spot' | 'linear' | 'inverse' | 'option'

export type MarketFacts = {
  readonly meaning: string
  readonly kind: MarketKind
  readonly units: MarketUnits
  /** An example symbol of the market. */
  readonly example: string
}

export const CONTRACT_TYPES = ['spot', 'perpetual', 'delivery', 'option', 'settled'] as const

/** settled: a contract that the exchange renamed when it was delisted. */
export type ContractType = (typeof CONTRACT_TYPES)[number]

/** The parts of the name of a symbol. */
export type SymbolParts = {
  readonly base: string
  readonly quote: string
  readonly contractType: ContractType
  /** YYMMDD of delivery contracts. */
  readonly expiry: string | null
  /** Units of the base asset that one unit of the symbol stands for: 1000SHIBUSDT counts thousands. */
  readonly multiplier: number
  /** Whether it is a leveraged token such as BTCUPUSDT, which represents a position and not the asset. */
  readonly isLeveraged: boolean
  readonly isStablePair: boolean
}

/** How an exchange writes symbols. */
export type SymbolGrammar = {
  /** Whether the text can be a symbol. */
  accepts(text: string): boolean
  /** Reads a symbol of a market. If the quote asset is not known, it is empty and the base is the whole name. */
  split(market: string, symbol: string): SymbolParts
  /** SQL of the quote asset of a symbol, or '' if it is not known; `symbol` is SQL. */
  quoteSql(symbol: string): string
  /** The first symbols of ranges with about equal size; the first range begins at ''. Names of data files depend on them, so they never change. */
  readonly ranges: readonly string[]
}

export type Period = 'daily' | 'monthly'

/** How the archive publishes one data type of a market. */
export type ArchiveOffer = {
  /** The periods of the files, each with its intervals; the list is empty if the type does not have intervals. */
  readonly periods: { readonly [P in Period]?: readonly Interval[] }
  /** The first day with data, and the day after the last one if the exchange stopped publishing (YYYY-MM-DD). */
  readonly firstDate: string
  readonly discontinued?: string
  /** When a CSV begins with a header. This is only the expectation; each file is checked. */
  readonly header: string
  /** The unit of instants. This is only the expectation; each value is checked. */
  readonly timeUnit: string
  readonly quirks: readonly string[]
}

/** A data type of a market that the exchange publishes. */
export type Offer = { readonly market: string; readonly dataset: DatasetId; readonly archive: ArchiveOffer }

/** All files of one type, symbol and interval in one market of an exchange. */
export type ArchiveSeries = {
  readonly exchange: string
  readonly market: string
  readonly dataset: DatasetId
  readonly symbol: string
  readonly interval: Interval | undefined
}

/** One data file of an archive; `date` is YYYY-MM-DD of a daily, YYYY-MM of a monthly file. */
export type ArchiveFile = ArchiveSeries & { readonly period: Period; readonly date: string }

/** The columns of the CSV files of a type in published order, and the version of the decoder. It is increased when the same bytes give different rows, so that older partitions are rebuilt. */
export type ArchiveFormat = { readonly columns: readonly CsvColumn[]; readonly decoderVersion: number }

/** The published archive of an exchange: its location, its keys, and the content of its files. */
type Archive = {
  /** The public site: files, listings, and whether files may exist that the listing lacks. */
  readonly site: { readonly files: string; readonly listing: string; readonly listingMayLag: boolean }
  /** The same archive as a public bucket. */
  readonly bucket: string
  /** The root folder of every key of the archive, ending in a slash. */
  readonly root: string
  /** The prefix of keys of this archive where objects of several exchanges are stored together. It never changes. */
  readonly objectPrefix: string
  /** A small object that always exists. */
  readonly probe: string
  /** The folder that contains the symbols of a type and market, ending in a slash. */
  typePrefix(market: string, period: Period, dataset: DatasetId): string
  /** The folder of the files of a series and period, ending in a slash. */
  seriesPrefix(series: ArchiveSeries, period: Period): string
  fileKey(file: ArchiveFile): string
  /** The file that a key names. Throws ARCHIVE_KEY_INVALID, saying which part does not follow the grammar. */
  parseKey(key: string): ArchiveFile
  /** The name of the checksum file beside a data file. */
  checksumKey(key: string): string
  /** The data file of a checksum file, or undefined for any other key. */
  checksumOf(key: string): string | undefined
  /** The published SHA-256 (64 hex digits, lower case) in the checksum file of `fileName`. Throws CHECKSUM_FILE_INVALID. */
  parseChecksum(bytes: Uint8Array, fileName: string): string
  format(dataset: DatasetId, market: string): ArchiveFormat
  /** SQL of the date (YYYY-MM-DD or YYYY-MM) and of the symbol in a key, which is SQL. */
  dateSql(key: string): string
  symbolSql(key: string): string
  /** SQL that is true for the keys of objects with this type, market and interval. */
  ownsSql(series: Omit<ArchiveSeries, 'symbol'>, key: string): string
}

/** A time for which an outage of the exchange was reported. Instants are ISO 8601 UTC, the range is half-open. */
export type Outage = { readonly market: string; readonly from: string; readonly to: string }

/** What an exchange says about an instrument at a time. Instants are µs. */
type InstrumentInfo = {
  readonly symbol: string
  readonly status: string
  readonly base: string
  readonly quote: string
  readonly onboardAt: number | undefined
  readonly deliveryAt: number | undefined
  readonly contractSize: number | undefined
}

export type InstrumentsAnswer = {
  readonly market: string
  readonly takenAt: number
  readonly instruments: readonly InstrumentInfo[]
}

/** An exchange. Each has a folder here with the modules markets, symbols, offers and archive, and a line in the registry. */
export type Source = {
  /** Lower-case letters and digits; the first part of table names and of keys in bronze. */
  readonly id: string
  readonly name: string
  readonly markets: Readonly<Record<string, MarketFacts>>
  readonly symbols: SymbolGrammar
  readonly offers: readonly Offer[]
  readonly archive: Archive
  /** Outages that users have reported. The data confirm them or not. */
  readonly outages: readonly Outage[]
  /** The status of a traded instrument, and the parser of an answer of the exchange about its instruments. Throws EXCHANGE_INFO_INVALID. */
  readonly instruments?: { readonly trading: string; parse(bytes: Uint8Array, name: string): InstrumentsAnswer }
}

/** A request to an archive. Empty lists and an undefined range mean everything. */
export type ArchiveSelection = {
  readonly exchange: string
  readonly types: readonly DatasetId[]
  readonly markets: readonly string[]
  readonly symbols: readonly string[]
  readonly intervals: readonly Interval[]
  readonly range: TimeRange | undefined
}
