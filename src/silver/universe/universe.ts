import { formatInstant, US_PER_DAY } from '../../core/time.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { liveFiles, snapshotOf, type Table } from '../../lake/iceberg/table.ts'
import type { Lake } from '../../lake/lake.ts'
import { everyRow, scanSql } from '../../lake/tables/scan-sql.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { ContractType, SymbolParts } from '../../sources/contract.ts'
import { columnNames, contractOf, isTradedBars, marketOf, type Series, seriesOf, sourceOf } from '../../sources/series.ts'
import { eventTimes } from '../event-times.ts'
import { noteListing } from './archive-listing.ts'
import { readExchangeInfo } from './exchange-info.ts'

/** A listing: a symbol from the first to the last time it was seen, in rows or in answers of the exchange. A break of more than `BREAK_DAYS` starts a new listing. Instants are ISO 8601 UTC. */
export type Listing = SymbolParts & {
  readonly exchange: string
  readonly market: string
  readonly symbol: string
  readonly listing: number
  /** The quote value of one contract, for coin-margined futures, from their rows. */
  readonly contractSize: number | null
  readonly firstSeen: string
  readonly lastSeen: string
  /** From the newest answer of the exchange, if it is newer than the rows of the symbol. Else from the data: trading at the end of the market data, or gone before. */
  readonly status: 'trading' | 'ended'
}

export type UniverseFilter = {
  /** Empty lists mean all. */
  readonly exchanges?: readonly string[]
  readonly markets: readonly string[]
  /** µs: only symbols that were listed at this time. */
  readonly at: number | undefined
  readonly quotes: readonly string[]
  readonly contractTypes: readonly ContractType[]
  /** Without leveraged tokens and pairs of two stable coins. */
  readonly plain: boolean
}

/** A ticker that was not traded for longer than this is assumed to be another asset afterwards … */
const BREAK_DAYS = 30

/** … if the lake has other symbols for at least this share of the break. Otherwise the lake itself has a gap. */
const COVERED = 0.8

/** A symbol that ended this long before its market is delisted. */
const ENDED_DAYS = 3

/**
 * Which symbols were listed when, from the rows of the lake, the listing of the archive and the answers of the exchange. Delisted symbols are included, so that
 * a study does not have survivorship bias. Sorted by exchange, market and symbol.
 */
export async function universe(lake: Lake, filter: UniverseFilter): Promise<Listing[]> {
  const { store, session } = lake
  await using seenDays = await Relation.empty(session, { exchange: 'VARCHAR', market: 'VARCHAR', symbol: 'VARCHAR', day: 'BIGINT' })
  await using contracts = await Relation.empty(session, { exchange: 'VARCHAR', market: 'VARCHAR', symbol: 'VARCHAR', size: 'DOUBLE' })
  for (const name of await lake.tables('silver')) {
    const series = seriesOf(name)
    if (series === undefined || contractOf(series).ofIndex === true) continue
    const table = await lake.findTable('silver', name)
    if (table === undefined) continue
    await seenDays.add(`SELECT DISTINCT ${marketSql(series)}, symbol, day FROM (${await daysOf(session, table, series)})`)
    if (isTradedBars(series) && marketOf(series).units.amounts === 'contracts') await contracts.add(await sizesOf(session, table, series))
  }
  await noteListing(session, store, seenDays)
  const told = await readExchangeInfo(session, store)
  await using _days = told.days
  await using _symbols = told.symbols
  await using _answers = told.answers
  const market = 'exchange, market'
  const symbol = `${market}, symbol`
  // The rows of other symbols, not the answers of the exchange, show whether the lake has a gap.
  const rows = await session.rows(`WITH days AS (SELECT * FROM ${seenDays} UNION SELECT * FROM ${told.days}),
    gaps AS (SELECT *, lag(day) OVER (PARTITION BY ${symbol} ORDER BY day) AS before FROM days),
    market_days AS (SELECT DISTINCT ${market}, day FROM ${seenDays}),
    covered AS (SELECT g.exchange, g.market, g.symbol, g.day, count(*) >= ${COVERED} * (g.day - g.before - 1) AS is_covered
      FROM gaps g JOIN market_days m ON m.exchange = g.exchange AND m.market = g.market AND m.day > g.before AND m.day < g.day
      WHERE g.day - g.before > ${BREAK_DAYS} GROUP BY g.exchange, g.market, g.symbol, g.day, g.before),
    breaks AS (SELECT d.*, coalesce(is_covered, false) AS is_break FROM days d LEFT JOIN covered USING (${symbol}, day)),
    parts AS (SELECT *, count(*) FILTER (is_break) OVER (PARTITION BY ${symbol} ORDER BY day) + 1 AS listing FROM breaks)
    SELECT ${symbol}, listing, min(parts.day) AS first_day, max(parts.day) + 1 AS end_day, max(max(parts.day)) OVER (PARTITION BY ${market}) AS market_day,
      any_value(coalesce(told.size, c.size)) AS size, any_value(told.base) AS base, any_value(told.quote) AS quote,
      CASE WHEN any_value(a.day) >= max(parts.day) THEN max(parts.day) = any_value(a.day) AND list_contains(any_value(a.trading), symbol) END AS is_trading FROM parts
      LEFT JOIN (SELECT ${symbol}, median(size) AS size FROM ${contracts} GROUP BY ALL) c USING (${symbol})
      LEFT JOIN ${told.symbols} told USING (${symbol}) LEFT JOIN ${told.answers} a USING (${market}) GROUP BY ${symbol}, listing ORDER BY ${symbol}, listing`)
  return rows.map(toListing).filter((listing) => fits(listing, filter))
}

function marketSql({ exchange, market }: Series): string {
  return `${quote(exchange)} AS exchange, ${quote(market)} AS market`
}

/** SQL of symbols and days. In a table partitioned by days, the day is known and only the symbols of a file are read; a file with a single symbol is not read at all. */
async function daysOf(session: DuckDBSession, table: Table, series: Series): Promise<string> {
  const { partition } = contractOf(series)
  if (partition(series.interval) !== 'day')
    return `SELECT symbol, us // ${US_PER_DAY} AS day FROM (${await eventTimes(session, table, series)})`
  const symbol = table.shape.fields.find(({ name }) => name === 'symbol')?.id ?? 0
  const known: string[] = []
  const read = new Map<number, DataFile[]>()
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) {
    const [day, first, last] = [Number(file.partition[0]), file.lower.get(symbol), file.upper.get(symbol)]
    if (typeof first === 'string' && first === last) known.push(`(${quote(first)}, ${day})`)
    else read.set(day, [...(read.get(day) ?? []), file])
  }
  const parts = known.length === 0 ? [] : [`SELECT * FROM (VALUES ${known.join(', ')}) AS v(symbol, day)`]
  for (const [day, files] of read)
    parts.push(`SELECT DISTINCT symbol, ${day} AS day FROM (${await scanSql(session, table, table.shape, files)})`)
  return parts.length === 0 ? "SELECT '' AS symbol, 0 AS day WHERE false" : parts.join(' UNION ALL ')
}

/** SQL of the quote value of one contract. Contracts × size = base asset × price, with a price between low and high of the bar; sizes are round numbers. */
async function sizesOf(session: DuckDBSession, table: Table, series: Series): Promise<string> {
  const { amount, value, high, low } = columnNames(series, 'amount', 'value', 'high', 'low')
  return `SELECT ${marketSql(series)}, symbol, round(median(${value} * (${high} + ${low}) / 2 / ${amount})) AS size FROM (${await everyRow(session, table)})
    WHERE ${amount} > 0 AND ${high} > 0 GROUP BY symbol`
}

function toListing(row: Record<string, unknown>): Listing {
  const [exchange, market] = [String(row['exchange']), String(row['market'])]
  const symbol = String(row['symbol'])
  const parts = sourceOf({ exchange }).symbols.split(market, symbol)
  const first = Number(row['first_day']) * US_PER_DAY
  const lastSeen = Number(row['end_day']) * US_PER_DAY
  // Rows after the day in the name of a delivery contract are not of it.
  const expiry = expiryOf(parts.expiry)
  const end = Math.max(first, Math.min(lastSeen, expiry ?? lastSeen))
  const isLast = Number(row['end_day']) - 1 >= Number(row['market_day']) - ENDED_DAYS
  const isExpired = expiry !== undefined && Number(row['market_day']) * US_PER_DAY >= expiry
  const status = !isExpired && (typeof row['is_trading'] === 'boolean' ? row['is_trading'] : isLast) ? 'trading' : 'ended'
  return {
    exchange,
    market,
    symbol,
    listing: Number(row['listing']),
    ...parts,
    // The answer of the exchange, except for names such as 1000SHIB.
    ...(row['base'] === null || parts.multiplier > 1 ? {} : { base: String(row['base']), quote: String(row['quote']) }),
    contractSize: row['size'] === null ? null : Number(row['size']),
    firstSeen: formatInstant(first),
    lastSeen: formatInstant(end),
    status,
  }
}

function fits(listing: Listing, { exchanges = [], markets, at, quotes, contractTypes, plain }: UniverseFilter): boolean {
  const instant = at === undefined ? undefined : formatInstant(at)
  return (
    (exchanges.length === 0 || exchanges.includes(listing.exchange)) &&
    (markets.length === 0 || markets.includes(listing.market)) &&
    (quotes.length === 0 || quotes.includes(listing.quote)) &&
    (contractTypes.length === 0 || contractTypes.includes(listing.contractType)) &&
    (!plain || !(listing.isLeveraged || listing.isStablePair)) &&
    (instant === undefined || (listing.firstSeen <= instant && instant < listing.lastSeen))
  )
}

/** The end of the day in the name of a delivery contract (YYMMDD), µs. */
function expiryOf(expiry: string | null | undefined): number | undefined {
  const [, year = '', month = '', day = ''] = /^(\d{2})(\d{2})(\d{2})$/.exec(expiry ?? '') ?? []
  return year === '' ? undefined : Date.UTC(2000 + Number(year), Number(month) - 1, Number(day) + 1) * 1000
}
