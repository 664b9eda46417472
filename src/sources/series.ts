import { INTERVAL_IDS, type Interval } from '../core/interval.ts'
import type { Column, DatasetContract, Role, TableColumn } from '../datasets/contract.ts'
import { DATASET_IDS, DATASETS, type DatasetId, TRADED_BARS } from '../datasets/registry.ts'
import type { ArchiveFormat, MarketFacts, Offer, Source } from './contract.ts'
import { DEFAULT_SOURCE, findMarket, findSource, SOURCES } from './registry.ts'

/** The content of one silver table: one data type of one market of an exchange, and one interval if the type has intervals. */
export type Series = {
  readonly exchange: string
  readonly dataset: DatasetId
  readonly market: string
  readonly interval: Interval | undefined
}

/** A market of an exchange. */
export type MarketRef = Pick<Series, 'exchange' | 'market'>

export function sourceOf({ exchange }: Pick<Series, 'exchange'>): Source {
  return findSource(exchange)
}

export function contractOf({ dataset }: Pick<Series, 'dataset'>): DatasetContract {
  return DATASETS[dataset]
}

export function marketOf(market: MarketRef): MarketFacts {
  return findMarket(sourceOf(market), market.market)
}

/** What the exchange publishes of the series, or undefined if it never published the series. */
export function offerOf(series: Omit<Series, 'interval'>): Offer | undefined {
  return sourceOf(series).offers.find((offer) => offer.market === series.market && offer.dataset === series.dataset)
}

/** The format of the archive files of the series. */
export function formatOf(series: Pick<Series, 'exchange' | 'dataset' | 'market'>): ArchiveFormat {
  return sourceOf(series).archive.format(series.dataset, series.market)
}

/** The columns of the series in order, without the symbol and the origin of the row. */
export function valueColumns(series: Omit<Series, 'interval'>): readonly Column[] {
  return contractOf(series).columns(marketOf(series).units)
}

/** The column of a role, or undefined if the series does not have one. */
export function findColumn(series: Omit<Series, 'interval'>, role: Role): Column | undefined {
  return valueColumns(series).find(({ roles }) => roles.includes(role))
}

/** The names of the columns of some roles, or undefined if the series lacks one of them. */
export function findNames<R extends Role>(
  series: Omit<Series, 'interval'>,
  ...roles: readonly R[]
): Readonly<Record<R, string>> | undefined {
  const names: Partial<Record<R, string>> = {}
  for (const role of roles) {
    const column = findColumn(series, role)
    if (column === undefined) return undefined
    names[role] = column.name
  }
  return names as Record<R, string>
}

/** The names of the columns of some roles. Throws a RangeError if the series lacks one, because callers check the kind of the series first. */
export function columnNames<R extends Role>(series: Omit<Series, 'interval'>, ...roles: readonly R[]): Readonly<Record<R, string>> {
  const names = findNames(series, ...roles)
  if (names === undefined) throw new RangeError(`${series.dataset} lacks a column of the roles ${roles.join(', ')}`)
  return names
}

/** The columns that all bars have. */
export function barNames(series: Omit<Series, 'interval'>) {
  return columnNames(series, 'event_time', 'open', 'high', 'low', 'close', 'close_time')
}

/** The additional columns of traded bars. Their names contain the units of the market. */
export function tradedNames({ exchange, market }: MarketRef) {
  return columnNames({ exchange, market, dataset: TRADED_BARS }, 'amount', 'value', 'trade_count', 'taker_amount', 'taker_value')
}

/** Whether amounts of a market are in the base asset and values in the quote asset, so that value / amount is a price. */
export function isCountedInBase(market: MarketRef): boolean {
  return marketOf(market).units.amounts === 'base'
}

/** Whether two series belong to the same market of the same exchange. */
export function isOfSameMarket(a: MarketRef, b: MarketRef): boolean {
  return a.exchange === b.exchange && a.market === b.market
}

/** Whether rows are bars of an interval. */
export function isBars(series: Pick<Series, 'dataset'>): boolean {
  return contractOf(series).kind === 'bars'
}

/** Whether rows are traded bars. */
export function isTradedBars({ dataset }: Pick<Series, 'dataset'>): boolean {
  return dataset === TRADED_BARS
}

/** Whether rows are trades, single or aggregated. */
export function isTrades(series: Pick<Series, 'dataset'>): boolean {
  return contractOf(series).kind === 'trades'
}

/** Whether each row is one trade with its own number. */
export function isSingleTrades(series: Series): boolean {
  const names = findNames(series, 'sequence', 'first_trade_id')
  return names !== undefined && names.sequence === names.first_trade_id
}

/** The table's name within its layer, such as exchange_spot_klines_1m. */
export function silverTableName(series: Series): string {
  const type = series.dataset.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase()
  return [series.exchange, series.market, type, series.interval].filter((part) => part !== undefined).join('_')
}

/** Series by the names of their tables; made on first use. */
let byName: ReadonlyMap<string, Series> | undefined

/** The series of the silver table with this name, or undefined for any other table. */
export function seriesOf(tableName: string): Series | undefined {
  byName ??= new Map(everySeries().map((series) => [silverTableName(series), series]))
  return byName.get(tableName)
}

function everySeries(): Series[] {
  return SOURCES.flatMap(({ id: exchange, markets }) =>
    Object.keys(markets).flatMap((market) =>
      DATASET_IDS.flatMap((dataset) => [undefined, ...INTERVAL_IDS].map((interval) => ({ exchange, market, dataset, interval }))),
    ),
  )
}

/** The silver columns of a series, in order: the symbol, the published columns, and the origin of the row. */
export function silverColumns(series: Series): readonly TableColumn[] {
  return [
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    ...valueColumns(series).map(({ name, type, unit }) => ({ name, type, doc: unit })),
    { name: 'source', type: 'string', doc: 'archive, api, stream, derived or synthetic' },
    { name: 'source_object', type: 'string', doc: 'key of the bronze object; of a derived row the table that it is made of' },
  ]
}

/** The key of a file of minute bars, for examples: from the first market of the default exchange. */
export function exampleObject(symbol: string, date: string): string {
  const { id: exchange, markets, archive } = DEFAULT_SOURCE
  const [market = ''] = Object.keys(markets)
  const file = { exchange, market, dataset: TRADED_BARS, symbol, interval: '1m', period: 'daily', date } as const
  return archive.objectPrefix + archive.fileKey(file)
}

/** The SQL name of a silver table, for examples: from the first market of the default exchange that offers the type. */
export function exampleTable(dataset: DatasetId, interval?: Interval): string {
  const market = DEFAULT_SOURCE.offers.find((offer) => offer.dataset === dataset)?.market ?? ''
  return `silver.${silverTableName({ exchange: DEFAULT_SOURCE.id, dataset, market, interval })}`
}
