import { formatInstant, PLAUSIBLE_TIME, parseInstant, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import type { Lake } from '../../lake/lake.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../../platform/duckdb/session.ts'
import { belongsSql, endSql, startSql, symbolSql } from '../../sources/object-sql.ts'
import {
  contractOf,
  findNames,
  isOfSameMarket,
  isTradedBars,
  isTrades,
  offerOf,
  type Series,
  seriesOf,
  silverTableName,
  sourceOf,
} from '../../sources/series.ts'
import { eventTimes, rowsOf } from '../event-times.ts'
import type { Cause } from './causes.ts'

/** A gap: missing rows. Instants are ISO 8601 UTC; `gapEnd` is the first instant with a row again, or the end of the requested range. Durations are in seconds. */
type Gap = {
  readonly table: string
  readonly symbol: string
  readonly gapStart: string
  readonly gapEnd: string
  readonly missingPeriods: number
  readonly gapDuration: number
  readonly previousTimestamp: string | null
  readonly nextTimestamp: string | null
  readonly cause: Cause
  readonly evidence: string
}

export type GapReport = {
  readonly gaps: readonly Gap[]
  /** Counts of all gaps, listed or not. */
  readonly totalGaps: number
  readonly totalMissingPeriods: number
  readonly symbolsAffected: number
  readonly largestGap: number
  readonly averageGapSize: number
}

export type GapOptions = {
  /** The range in which rows are expected; by default from the first to the last row of each symbol. */
  readonly range: TimeRange | undefined
  /** SQL over `symbol` that chooses symbols. */
  readonly symbols: string
  readonly nowUs: number
  readonly limit: number
}

/** A symbol that ended this long before the others counts as delisted. */
const ENDED_US = 3 * US_PER_DAY

/** Files of the last two days may not be published yet. */
const LATE_US = 2 * US_PER_DAY

/**
 * The gaps of a table whose rows have a fixed step, with their causes, by symbol and time. The cause is the first that applies: the beginning or end of the
 * symbol, what the exchange publishes, what the lake has, outages (reported or seen in other symbols), rows of other tables. Throws TABLE_NOT_FOUND.
 */
export async function findGaps(lake: Lake, series: Series, options: GapOptions): Promise<GapReport> {
  await using caused = await causedGaps(lake, series, options)
  if (caused === undefined) return { gaps: [], totalGaps: 0, totalMissingPeriods: 0, symbolsAffected: 0, largestGap: 0, averageGapSize: 0 }
  return await report(lake.session, caused, `silver.${silverTableName(series)}`, options.limit)
}

/** Gaps: `s` is the first missing instant and `e` the first instant with a row again, µs; `c` is the cause and its evidence. */
export type CausedGaps = Relation<'symbol' | 's' | 'e' | 'previous_us' | 'next_us' | 'missing' | 'c'>

/** The gaps of a table with their causes, or undefined if its rows do not have a fixed step. The caller disposes of the relation. Throws TABLE_NOT_FOUND. */
export async function causedGaps(lake: Lake, series: Series, options: GapOptions): Promise<CausedGaps | undefined> {
  const { session } = lake
  const step = contractOf(series).cadence(series.interval)
  if (step === undefined) return undefined
  const source = sourceOf(series)
  const times = await timesOf(lake, series)
  await using fold = await lake.readLedger()
  await using spans = await Relation.of(
    session,
    ['symbol', 'first_us', 'last_us'],
    `SELECT symbol, min(us) AS first_us, max(us) + ${step} AS last_us FROM (${times}) WHERE ${options.symbols} GROUP BY symbol`,
  )
  await using gaps = await Relation.of(
    session,
    ['symbol', 's', 'e', 'previous_us', 'next_us', 'missing'],
    `SELECT * FROM (
      SELECT symbol, before + ${step} AS s, us AS e, before AS previous_us, us AS next_us, (us - before) // ${step} - 1 AS missing
      FROM (SELECT symbol, us, lag(us) OVER (PARTITION BY symbol ORDER BY us) AS before FROM (${times}) WHERE ${options.symbols})
      WHERE us - before >= ${2 * step} ${beyondEnds(spans, options.range, step)}
    )${options.range === undefined ? '' : ` WHERE s < ${options.range.end} AND e > ${options.range.start}`}`,
  )
  await using covering = await Relation.of(
    session,
    ['symbol', 'status', 'start', 'past'],
    `SELECT ${symbolSql(source, 'key')} AS symbol, status, ${startSql(source, 'key')} AS start, ${endSql(source, 'key')} AS past
    FROM (${fold.revisions}) WHERE ${belongsSql(series, 'key')}`,
  )
  await using quiet = await Relation.empty(session, { symbol: 'VARCHAR', s: 'BIGINT', e: 'BIGINT', evidence: 'VARCHAR' })
  await using elsewhere = await Relation.empty(session, { symbol: 'VARCHAR', s: 'BIGINT', e: 'BIGINT', table: 'VARCHAR', n: 'BIGINT' })
  for (const other of await otherTables(lake, series)) {
    const rows = await timesOf(lake, other)
    await elsewhere.add(`SELECT g.symbol, g.s, g.e, ${quote(`silver.${silverTableName(other)}`)} AS "table", count(*) AS n
      FROM ${gaps} g JOIN (${rows}) o ON o.symbol = g.symbol AND o.us >= g.s AND o.us < g.e GROUP BY ALL`)
    const sql = await quietSql(lake, other, gaps)
    if (sql !== undefined) await quiet.add(sql)
  }
  const sql = causesSql(series, options, step, { gaps, spans, covering, quiet, elsewhere })
  return await Relation.of(session, ['symbol', 's', 'e', 'previous_us', 'next_us', 'missing', 'c'], sql)
}

type GapRows = Relation<'symbol' | 's' | 'e' | 'previous_us' | 'next_us' | 'missing'>

type Spans = Relation<'symbol' | 'first_us' | 'last_us'>

/** SQL of the gaps without trades. Trade numbers have no gaps: if the numbers before and after a gap are consecutive, there were no trades in it. Undefined for rows without trade numbers. */
async function quietSql(lake: Lake, other: Series, gaps: GapRows): Promise<string | undefined> {
  const ids = findNames(other, 'first_trade_id', 'last_trade_id')
  if (ids === undefined) return undefined
  const us = `epoch_us(${quoteName(contractOf(other).eventTime)})`
  const { sql: rows } = await (await rowsOf(lake, other))(PLAUSIBLE_TIME)
  const side = (id: string) => `(SELECT symbol, ${us} AS us, ${id} AS id FROM (${rows}) GROUP BY ALL)`
  return `SELECT g.symbol, s, e, any_value('trades ' || b.id || ' and ' || a.id || ' of ' || ${quote(`silver.${silverTableName(other)}`)} || ' follow one another') AS evidence
    FROM ${gaps} g ASOF JOIN ${side(`max(${ids.last_trade_id})`)} b ON b.symbol = g.symbol AND g.s > b.us ASOF JOIN ${side(`min(${ids.first_trade_id})`)} a ON a.symbol = g.symbol AND g.e <= a.us
    WHERE a.id = b.id + 1 GROUP BY ALL`
}

/** SQL of the parts of the range before the first and after the last row of a symbol. */
function beyondEnds(spans: Spans, range: TimeRange | undefined, step: number): string {
  if (range === undefined) return ''
  return `UNION ALL SELECT symbol, ${range.start}, first_us, NULL, first_us, (first_us - ${range.start}) // ${step} FROM ${spans} WHERE first_us > ${range.start}
    UNION ALL SELECT symbol, last_us, ${range.end}, last_us - ${step}, NULL, (${range.end} - last_us) // ${step} FROM ${spans} WHERE last_us < ${range.end}`
}

/** The evidence about gaps: beginnings and ends of symbols, the time that objects cover, gaps without trades, rows of other tables. */
type Evidence = {
  readonly gaps: GapRows
  readonly spans: Spans
  readonly covering: Relation<'symbol' | 'status' | 'start' | 'past'>
  readonly quiet: Relation<'symbol' | 's' | 'e' | 'evidence'>
  readonly elsewhere: Relation<'symbol' | 's' | 'e' | 'table' | 'n'>
}

function causesSql(series: Series, { nowUs }: GapOptions, step: number, { gaps, spans, covering, quiet, elsewhere }: Evidence): string {
  const discontinued = offerOf(series)?.archive.discontinued
  const dead = discontinued === undefined ? 'NULL' : String(parseInstant(discontinued))
  const outages = sourceOf(series)
    .outages.filter(({ market }) => market === series.market)
    .map(({ from, to }) => `(${parseInstant(from)}, ${parseInstant(to)}, ${quote(`${from} – ${to}`)})`)
  const reported =
    outages.length === 0
      ? 'SELECT 0::BIGINT AS start, 0::BIGINT AS past, NULL::VARCHAR AS named WHERE false'
      : `SELECT * FROM (VALUES ${outages.join(', ')}) AS v(start, past, named)`
  return `WITH reported AS (${reported}), times AS (SELECT DISTINCT s, e FROM ${gaps}),
    seen AS (SELECT t.s, t.e, (SELECT count(*) FROM ${spans} p WHERE p.first_us < t.s AND p.last_us > t.e) AS active,
        (SELECT count(DISTINCT symbol) FROM ${gaps} o WHERE least(o.e, t.e) - greatest(o.s, t.s) >= 0.9 * (t.e - t.s)) AS gapped FROM times t),
    named AS (SELECT t.s, t.e, min(r.named) AS named FROM times t JOIN reported r ON least(t.e, r.past) - greatest(t.s, r.start) >= least(0.5 * (t.e - t.s), ${step}) GROUP BY ALL),
    other AS (SELECT symbol, s, e, arg_max("table", struct_pack(n, t := "table")) AS "table", max(n) AS n FROM ${elsewhere} GROUP BY ALL),
    calm AS (SELECT symbol, s, e, min(evidence) AS evidence FROM ${quiet} GROUP BY ALL),
    held AS (SELECT g.symbol, g.s, g.e, count(c.start) FILTER (status = 'verified') AS verified, count(c.start) FILTER (status IN ('quarantined', 'lost')) AS broken
      FROM ${gaps} g LEFT JOIN ${covering} c ON c.symbol = g.symbol AND c.start < g.e AND c.past > g.s GROUP BY ALL)
    SELECT g.*, CASE
      WHEN previous_us IS NULL THEN struct_pack(cause := 'not_listed', evidence := 'before the first row of the symbol')
      WHEN s >= ${dead} THEN struct_pack(cause := 'type_discontinued', evidence := ${quote(`not published since ${discontinued ?? ''}`)})
      WHEN next_us IS NULL AND e > ${nowUs - LATE_US} AND s >= ${nowUs - LATE_US - ENDED_US} THEN struct_pack(cause := 'late_publication', evidence := 'it ends within the last two days')
      WHEN next_us IS NULL AND s < (SELECT max(last_us) FROM ${spans}) - ${ENDED_US} THEN struct_pack(cause := 'delisted', evidence := 'other symbols go on')
      WHEN held.verified = 0 THEN struct_pack(cause := 'own_miss', evidence := CASE WHEN held.broken > 0 THEN held.broken || ' objects that cover it are quarantined or lost' ELSE 'no object of the lake covers it' END)
      WHEN named.named IS NOT NULL AND seen.gapped > 1 AND seen.gapped >= 0.8 * seen.active THEN struct_pack(cause := 'exchange_outage', evidence := 'reported ' || named.named || ', confirmed by data: ' || seen.gapped || ' of ' || greatest(seen.active, seen.gapped) || ' symbols')
      WHEN seen.gapped > 2 AND seen.gapped >= 0.8 * seen.active THEN struct_pack(cause := 'exchange_outage', evidence := 'confirmed by data: ' || seen.gapped || ' of ' || greatest(seen.active, seen.gapped) || ' symbols')
      WHEN other.n > 0 THEN struct_pack(cause := 'archive_hole', evidence := other."table" || ' has ' || other.n || ' rows in it')
      WHEN calm.evidence IS NOT NULL THEN struct_pack(cause := 'no_trades', evidence := calm.evidence)
      WHEN named.named IS NOT NULL THEN struct_pack(cause := 'exchange_outage', evidence := 'reported ' || named.named)
      ELSE struct_pack(cause := 'unknown', evidence := held.verified || ' verified objects cover it and have no such rows')
    END AS c FROM ${gaps} g LEFT JOIN seen USING (s, e) LEFT JOIN named USING (s, e) LEFT JOIN other USING (symbol, s, e) LEFT JOIN calm USING (symbol, s, e) LEFT JOIN held USING (symbol, s, e)`
}

async function report(session: DuckDBSession, caused: CausedGaps, table: string, limit: number): Promise<GapReport> {
  const [totals = {}] = await session.rows(
    `SELECT count(*) AS n, coalesce(sum(missing), 0)::BIGINT AS missing, count(DISTINCT symbol) AS symbols, coalesce(max(missing), 0) AS largest FROM ${caused}`,
  )
  const rows = await session.rows(`SELECT *, c.cause AS cause, c.evidence AS evidence FROM ${caused} ORDER BY symbol, s LIMIT ${limit}`)
  const instant = (value: unknown) => (value === null ? null : formatInstant(Number(value)))
  const [total, missing] = [Number(totals['n']), Number(totals['missing'])]
  return {
    gaps: rows.map((row) => ({
      table,
      symbol: String(row['symbol']),
      gapStart: formatInstant(Number(row['s'])),
      gapEnd: formatInstant(Number(row['e'])),
      missingPeriods: Number(row['missing']),
      gapDuration: (Number(row['e']) - Number(row['s'])) / 1e6,
      previousTimestamp: instant(row['previous_us']),
      nextTimestamp: instant(row['next_us']),
      cause: String(row['cause']) as Cause,
      evidence: String(row['evidence']),
    })),
    totalGaps: total,
    totalMissingPeriods: missing,
    symbolsAffected: Number(totals['symbols']),
    largestGap: Number(totals['largest']),
    averageGapSize: total === 0 ? 0 : missing / total,
  }
}

/** The share of the rows of a symbol and day that a table has. */
export type DayCoverage = { readonly table: string; readonly symbol: string; readonly day: string; readonly share: number }

/** The share of rows that a table has of each symbol and day between the first and last day, by symbol and day. Only for a fixed step of at most a day. */
export async function dayCoverage(lake: Lake, series: Series, symbols: string): Promise<DayCoverage[]> {
  const { session } = lake
  const step = contractOf(series).cadence(series.interval)
  if (step === undefined || step > US_PER_DAY) return []
  const rows =
    await session.rows(`WITH days AS (SELECT symbol, us // ${US_PER_DAY} AS day, count(*) AS n FROM (${await timesOf(lake, series)}) WHERE ${symbols} GROUP BY ALL),
    every AS (SELECT symbol, unnest(range(min(day), max(day) + 1)) AS day FROM days GROUP BY symbol)
    SELECT symbol, strftime(make_date(1970, 1, 1) + day::INTEGER, '%Y-%m-%d') AS day, least(1, coalesce(n, 0) / ${US_PER_DAY / step}) AS share FROM every LEFT JOIN days USING (symbol, day) ORDER BY ALL`)
  const table = `silver.${silverTableName(series)}`
  return rows.map((row) => ({ table, symbol: String(row['symbol']), day: String(row['day']), share: Number(row['share']) }))
}

async function timesOf(lake: Lake, series: Series): Promise<string> {
  return await eventTimes(lake.session, await lake.table('silver', silverTableName(series)), series)
}

/** The other tables of trades and bars of the same market, which show whether anything was traded. */
async function otherTables(lake: Lake, series: Series): Promise<Series[]> {
  const own = silverTableName(series)
  const isTraded = (one: Series) => isTradedBars(one) || isTrades(one)
  if (!isTraded(series)) return []
  return (await lake.tables('silver')).flatMap((name) => {
    const other = name === own ? undefined : seriesOf(name)
    return other !== undefined && isOfSameMarket(other, series) && isTraded(other) ? [other] : []
  })
}
