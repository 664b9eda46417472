import type { Interval } from '../core/interval.ts'
import type { TimeRange } from '../core/time.ts'
import type { MarketUnits } from '../datasets/contract.ts'
import type { DatasetId } from '../datasets/registry.ts'
import type { CsvColumn } from './csv/csv-column.ts'

/** What is bought and sold on a market: the asset itself, contracts settled in the quote asset (linear) or in the base asset (inverse), options. */
type MarketKind = 'spot' | 'linear' | 'inverse' | 'option'

export type MarketFacts = {
  readonly meaning: string
  readonly kind: MarketKind
  readonly units: MarketUnits
  /** A symbol of it. */
  readonly example: string
}

export const CONTRACT_TYPES = ['spot', 'perpetual', 'delivery', 'option', 'settled'] as const

/** settled: a contract that the exchange renamed when it took it off the market. */
export type ContractType = (typeof CONTRACT_TYPES)[number]

/** What a symbol's name says. */
export type SymbolParts = {
  readonly base: string
  readonly quote: string
  readonly contractType: ContractType
  /** YYMMDD of contracts that are delivered. */
  readonly expiry: string | null
  /** Units of the base asset that one unit of the symbol stands for: 1000SHIBUSDT counts thousands. */
  readonly multiplier: number
  /** Tokens such as BTCUPUSDT, which hold a position and not the asset. */
  readonly isLeveraged: boolean
  readonly isStablePair: boolean
}

/** How an exchange writes symbols. */
export type SymbolGrammar = {
  /** Whether the text can be a symbol. */
  accepts(text: string): boolean
  /** Reads a symbol of a market. A quote that is not known is empty, and the base the whole name. */
  split(market: string, symbol: string): SymbolParts
  /** SQL of the quote asset of a symbol, '' for one that is not known; `symbol` is SQL. */
  quoteSql(symbol: string): string
  /** Where ranges of symbols of about equal size begin, the first at ''. Data files are named by them: they never change. */
  readonly ranges: readonly string[]
}

export type Period = 'daily' | 'monthly'

/** How the archive publishes a data type of a market. */
export type ArchiveOffer = {
  /** Which files there are; the lists name the intervals, empty where the type has none. */
  readonly periods: { readonly [P in Period]?: readonly Interval[] }
  /** First day with data, and the day after the last one where the exchange stopped publishing (YYYY-MM-DD). */
  readonly firstDate: string
  readonly discontinued?: string
  /** When a CSV begins with a header. Files are sniffed; this is what to expect. */
  readonly header: string
  /** How instants are written. Decided per value; this is what to expect. */
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

/** The columns of a type's CSV files in their published order, and the version of the decoder: raised whenever it gives other rows for the same bytes, so that partitions made by an older one are rebuilt. */
export type ArchiveFormat = { readonly columns: readonly CsvColumn[]; readonly decoderVersion: number }

/** The published archive of an exchange: where it lies, how its keys are written, what its files hold. */
type Archive = {
  /** The public site: files, listings, and whether files may be there that the listing lacks. */
  readonly site: { readonly files: string; readonly listing: string; readonly listingMayLag: boolean }
  /** The same as a bucket, as everybody may list and read it. */
  readonly bucket: string
  /** What every key of the archive begins with: a folder, ending in a slash. */
  readonly root: string
  /** What is put before a key of the archive where objects of several exchanges meet. Never changes. */
  readonly objectPrefix: string
  /** A small object that is always there. */
  readonly probe: string
  /** The folder under which the symbols of a market's type lie, ending in a slash. */
  typePrefix(market: string, period: Period, dataset: DatasetId): string
  /** The folder of a series' files of one period, ending in a slash. */
  seriesPrefix(series: ArchiveSeries, period: Period): string
  fileKey(file: ArchiveFile): string
  /** The file that a key names. Throws ARCHIVE_KEY_INVALID, saying which part does not follow the grammar. */
  parseKey(key: string): ArchiveFile
  /** The name of the checksum file beside a data file. */
  checksumKey(key: string): string
  /** The data file that a checksum file is of, or undefined for any other key. */
  checksumOf(key: string): string | undefined
  /** The published SHA-256 (64 hex digits, lower case) in the checksum file of `fileName`. Throws CHECKSUM_FILE_INVALID. */
  parseChecksum(bytes: Uint8Array, fileName: string): string
  format(dataset: DatasetId, market: string): ArchiveFormat
  /** SQL of the date (YYYY-MM-DD or YYYY-MM) and of the symbol in a key, which is SQL. */
  dateSql(key: string): string
  symbolSql(key: string): string
  /** SQL that is true for the keys of a type's objects in a market at an interval. */
  ownsSql(series: Omit<ArchiveSeries, 'symbol'>, key: string): string
}

/** A time at which an exchange is said not to have traded. Instants are ISO 8601 UTC, the range is half-open. */
export type Outage = { readonly market: string; readonly from: string; readonly to: string }

/** What an exchange says of an instrument at a time. Instants are µs. */
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

/** An exchange: a folder beside this with the rooms markets, symbols, offers and archive, and a line in the registry. */
export type Source = {
  /** Small letters and digits: first part of table names and of keys in bronze. */
  readonly id: string
  readonly name: string
  readonly markets: Readonly<Record<string, MarketFacts>>
  readonly symbols: SymbolGrammar
  readonly offers: readonly Offer[]
  readonly archive: Archive
  /** As users have reported them. Whether they were, the data tell. */
  readonly outages: readonly Outage[]
  /** The status of an instrument that is traded, and what an answer of the exchange about its instruments says. Throws EXCHANGE_INFO_INVALID. */
  readonly instruments?: { readonly trading: string; parse(bytes: Uint8Array, name: string): InstrumentsAnswer }
}

/** What is asked of an archive. Empty lists and an undefined range mean all that it has. */
export type ArchiveSelection = {
  readonly exchange: string
  readonly types: readonly DatasetId[]
  readonly markets: readonly string[]
  readonly symbols: readonly string[]
  readonly intervals: readonly Interval[]
  readonly range: TimeRange | undefined
}
