import { INTERVAL_IDS, type Interval } from '../core/interval.ts'
import type { Column, DatasetContract, Role, TableColumn } from '../datasets/contract.ts'
import { DATASET_IDS, DATASETS, type DatasetId, TRADED_BARS } from '../datasets/registry.ts'
import type { ArchiveFormat, MarketFacts, Offer, Source } from './contract.ts'
import { DEFAULT_SOURCE, findMarket, findSource, SOURCES } from './registry.ts'

/** What one silver table holds: one data type of one market of an exchange, at one interval where the type has intervals. */
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

/** What the exchange says it publishes of the series, or undefined where it never published it. */
export function offerOf(series: Omit<Series, 'interval'>): Offer | undefined {
  return sourceOf(series).offers.find((offer) => offer.market === series.market && offer.dataset === series.dataset)
}

/** How the archive's files of the series are written. */
export function formatOf(series: Pick<Series, 'exchange' | 'dataset' | 'market'>): ArchiveFormat {
  return sourceOf(series).archive.format(series.dataset, series.market)
}

/** The columns of the series besides the symbol and the origin of the row, in their order. */
export function valueColumns(series: Omit<Series, 'interval'>): readonly Column[] {
  return contractOf(series).columns(marketOf(series).units)
}

/** The column of a role, or undefined where the series has none. */
export function findColumn(series: Omit<Series, 'interval'>, role: Role): Column | undefined {
  return valueColumns(series).find(({ roles }) => roles.includes(role))
}

/** The names of the columns of some roles, or undefined where the series lacks one of them. */
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

/** The names of the columns of some roles. Throws a RangeError where the series lacks one: whoever asks has looked at its kind. */
export function columnNames<R extends Role>(series: Omit<Series, 'interval'>, ...roles: readonly R[]): Readonly<Record<R, string>> {
  const names = findNames(series, ...roles)
  if (names === undefined) throw new RangeError(`${series.dataset} lacks a column of the roles ${roles.join(', ')}`)
  return names
}

/** The columns that all bars have. */
export function barNames(series: Omit<Series, 'interval'>) {
  return columnNames(series, 'event_time', 'open', 'high', 'low', 'close', 'close_time')
}

/** The columns that bars of what was traded have besides; they are called by the units of the market. */
export function tradedNames({ exchange, market }: MarketRef) {
  return columnNames({ exchange, market, dataset: TRADED_BARS }, 'amount', 'value', 'trade_count', 'taker_amount', 'taker_value')
}

/** Whether what is traded on a market is counted in the base asset and paid in the quote asset, so that value by amount is a price. */
export function isCountedInBase(market: MarketRef): boolean {
  return marketOf(market).units.amounts === 'base'
}

/** Whether two series are of the same market of the same exchange. */
export function isOfSameMarket(a: MarketRef, b: MarketRef): boolean {
  return a.exchange === b.exchange && a.market === b.market
}

/** Whether rows are bars of an interval. */
export function isBars(series: Pick<Series, 'dataset'>): boolean {
  return contractOf(series).kind === 'bars'
}

/** Whether rows are bars of what was traded. */
export function isTradedBars({ dataset }: Pick<Series, 'dataset'>): boolean {
  return dataset === TRADED_BARS
}

/** Whether rows are trades, single or joined. */
export function isTrades(series: Pick<Series, 'dataset'>): boolean {
  return contractOf(series).kind === 'trades'
}

/** Whether each row is one trade, by its own number. */
export function isSingleTrades(series: Series): boolean {
  const names = findNames(series, 'sequence', 'first_trade_id')
  return names !== undefined && names.sequence === names.first_trade_id
}

/** The table's name within its layer, such as exchange_spot_klines_1m. */
export function silverTableName(series: Series): string {
  const type = series.dataset.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase()
  return [series.exchange, series.market, type, series.interval].filter((part) => part !== undefined).join('_')
}

/** Series by the names of their tables; made when it is first asked for. */
let byName: ReadonlyMap<string, Series> | undefined

/** The series that a silver table of such a name holds, or undefined for any other table. */
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

/** The silver columns of a series, in order: the symbol, what the exchange publishes, and where the row came from. */
export function silverColumns(series: Series): readonly TableColumn[] {
  return [
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    ...valueColumns(series).map(({ name, type, unit }) => ({ name, type, doc: unit })),
    { name: 'source', type: 'string', doc: 'archive, api, stream, derived or synthetic' },
    { name: 'source_object', type: 'string', doc: 'key of the bronze object; of a derived row the table that it is made of' },
  ]
}

/** The key of a day's minute bars of a symbol, for examples: of the default exchange, in its first market. */
export function exampleObject(symbol: string, date: string): string {
  const { id: exchange, markets, archive } = DEFAULT_SOURCE
  const [market = ''] = Object.keys(markets)
  const file = { exchange, market, dataset: TRADED_BARS, symbol, interval: '1m', period: 'daily', date } as const
  return archive.objectPrefix + archive.fileKey(file)
}

/** The name of a silver table as SQL knows it, for examples: of the default exchange, in the first market that offers the type. */
export function exampleTable(dataset: DatasetId, interval?: Interval): string {
  const market = DEFAULT_SOURCE.offers.find((offer) => offer.dataset === dataset)?.market ?? ''
  return `silver.${silverTableName({ exchange: DEFAULT_SOURCE.id, dataset, market, interval })}`
}
