import { US_PER_DAY } from '../../core/time.ts'
import { EVENT_ORDER, type LedgerFold } from '../../lake/ledger/fold.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { Source } from '../../sources/contract.ts'
import { belongsSql, dateSql, endSql, startSql, symbolSql } from '../../sources/object-sql.ts'
import { contractOf, offerOf, type Series, sourceOf } from '../../sources/series.ts'
import { DIMENSIONS, type Dimension } from './checks/check.ts'
import type { KeptRows, Tallies } from './checks/run-checks.ts'
import type { Found } from './found.ts'
import type { LEDGER_CHECKS } from './rules.ts'

export type QualityOptions = {
  /** The weight of each part in a score. Parts that cannot be judged do not count. */
  readonly weights: Readonly<Record<Dimension, number>>
  /** µs: a symbol whose last row is older than this is stale. */
  readonly staleUs: number
  readonly nowUs: number
}

/** A table that ended longer ago than this is historical: new rows are not expected. */
const KEPT_UP_US = 60 * US_PER_DAY

/** The score of each symbol and day (0–100) and its parts (0–1; null if a part could not be judged). */
export type Scores = Relation<'symbol' | 'day' | 'rows' | 'score' | Dimension>

/** What is known about the rows of a table. */
type Judged = { readonly fold: LedgerFold; readonly found: Found; readonly tallies: Tallies; readonly kept: KeptRows }

/** Scores by symbol and day. Findings from the ledger are added to `found`. The caller disposes of the relation. */
export async function score(
  session: DuckDBSession,
  series: Series,
  { fold, found, tallies, kept }: Judged,
  { weights, staleUs, nowUs }: QualityOptions,
): Promise<Scores> {
  const source = sourceOf(series)
  const isLive = offerOf(series)?.archive.discontinued === undefined
  const us = contractOf(series).cadence(series.interval)
  // A day is in one partition, so a tally has it once. With a fixed step, the expected number of rows is known, except on the first and last day of a symbol. Days without rows count too.
  const isStepped = us !== undefined && us < US_PER_DAY
  await using sources = await Relation.of(
    session,
    ['key', 'symbol', 'date', 'n', 'rows', 'rejected', 'sorted', 'unused', 'outside', 'cut'],
    `SELECT source_object AS key, ${symbolSql(source, 'source_object')} AS symbol, ${dateSql(source, 'source_object')} AS date, kept.n, d.rows, d.rejected - coalesce(gone.n, 0) AS rejected, d.sorted, d.unused, outside,
      -- Not for files with dropped rows, whose ends may be those of another file. The first file of a symbol may begin late: the symbol was not listed before.
      CASE WHEN kept.n = d.rows THEN tail + CASE WHEN date > min(date) OVER (PARTITION BY symbol) THEN head ELSE 0 END ELSE 0 END AS cut
    FROM (SELECT source_object, sum(n) AS n, ${outsideSql(source)} AS outside, ${lackingSql(source, us)}
      FROM (FROM ${kept} WHERE length(${dateSql(source, 'source_object')}) >= 7) GROUP BY source_object) kept
    LEFT JOIN (SELECT key, arg_max(rows, ${EVENT_ORDER}) AS rows, arg_max(rejected, ${EVENT_ORDER}) AS rejected, arg_max(sorted, ${EVENT_ORDER}) AS sorted, arg_max(unused, ${EVENT_ORDER}) AS unused FROM ${fold.events} WHERE event = 'decoded' GROUP BY key) d ON d.key = source_object
    LEFT JOIN (SELECT x.key, count(*) AS n FROM (${fold.decisions}) x JOIN ${fold.objects} c ON c.key = x.key AND c.v.sha256 = x.sha256 WHERE decision = 'dropped' AND line IS NOT NULL GROUP BY x.key) gone ON gone.key = source_object`,
  )
  const known = {
    duplicate_rows: 'rows - n',
    rejected_rows: 'rejected',
    unused_column: 'unused',
    other_days: 'outside',
    truncated_file: 'cut',
    unsorted_file: 'CASE WHEN NOT sorted THEN rows END',
  } as const satisfies Record<keyof typeof LEDGER_CHECKS, string>
  for (const [check, count] of Object.entries(known))
    await found.add(`SELECT ${quote(check)} AS check_id, symbol, ${startSql(source, 'key')} AS from_us, ${endSql(source, 'key')} AS to_us, (${count})::BIGINT AS row_count
      FROM ${sources} WHERE (${count}) > 0`)
  await found.add(`SELECT 'conflicting_duplicates' AS check_id, ${symbolSql(source, 'key')} AS symbol, epoch_us(time::TIMESTAMPTZ) AS from_us, from_us + 1 AS to_us, 1 AS row_count,
    concat('kept ', kept, ', dropped ', dropped) AS detail FROM (${fold.conflicts}) WHERE ${belongsSql(series, 'key')}`)
  if (isLive)
    await found.add(`SELECT 'stale' AS check_id, symbol, max(last_us) AS from_us, max(last_us) + 1 AS to_us, 1 AS row_count
      FROM ${tallies} GROUP BY symbol QUALIFY max(last_us) >= max(max(last_us)) OVER () - ${staleUs} AND max(last_us) BETWEEN ${nowUs - KEPT_UP_US} AND ${nowUs - staleUs}`)
  const days = isStepped
    ? `SELECT symbol, day, coalesce(n, 0) AS n, least(1, (coalesce(n, 0) - coalesce(invented, 0)) / ((least((day + 1) * ${US_PER_DAY}, last_of + ${us}) - greatest(day * ${US_PER_DAY}, first_of)) // ${us})) AS completeness
       FROM (SELECT symbol, min(first_us) AS first_of, max(last_us) AS last_of, unnest(range(min(day), max(day) + 1)) AS day FROM ${tallies} GROUP BY symbol) LEFT JOIN ${tallies} USING (symbol, day)`
    : `SELECT symbol, day, n, (n - invented) / (n + missing) AS completeness FROM ${tallies}`
  const share = (part: Dimension) => `CASE WHEN t.n > 0 THEN 1 - t.bad_${part} / t.n END AS ${part}`
  const weight = (part: Dimension) => `CASE WHEN ${part} IS NULL THEN 0 ELSE ${weights[part]} END`
  return await Relation.of(
    session,
    ['symbol', 'day', 'rows', 'score', ...DIMENSIONS],
    `WITH days AS (${days}), ends AS (SELECT symbol, max(last_us) AS last_of, max(max(last_us)) OVER () AS last_of_all FROM ${tallies} GROUP BY symbol),
    objects AS (SELECT symbol, date, sum(n) / greatest(sum(rows), 1) AS uniqueness FROM ${sources} WHERE rows IS NOT NULL GROUP BY ALL),
    parts AS (SELECT d.symbol, make_date(1970, 1, 1) + d.day::INTEGER AS day, d.n::BIGINT AS rows, completeness::DOUBLE AS completeness, ${share('validity')}, ${share('consistency')},
      least(1, coalesce(daily.uniqueness, monthly.uniqueness))::DOUBLE AS uniqueness,
      CASE WHEN ${isLive} AND d.day = e.last_of // ${US_PER_DAY} AND e.last_of >= e.last_of_all - ${staleUs} THEN (e.last_of >= ${nowUs - staleUs})::INTEGER::DOUBLE END AS timeliness, ${share('accuracy')}
      FROM days d LEFT JOIN ${tallies} t USING (symbol, day) JOIN ends e USING (symbol)
      LEFT JOIN objects daily ON daily.symbol = d.symbol AND daily.date = strftime(make_date(1970, 1, 1) + d.day::INTEGER, '%Y-%m-%d')
      LEFT JOIN objects monthly ON monthly.symbol = d.symbol AND monthly.date = strftime(make_date(1970, 1, 1) + d.day::INTEGER, '%Y-%m'))
    SELECT symbol, day, rows, round(100 * (${DIMENSIONS.map((part) => `${weights[part]} * coalesce(${part}, 0)`).join(' + ')}) / (${DIMENSIONS.map(weight).join(' + ')}), 2) AS score,
      ${DIMENSIONS.join(', ')} FROM parts ORDER BY symbol, day`,
  )
}

/**
 * SQL of the number of rows outside of the period in an object's name, for groups of its rows by day. A row exactly at the end is allowed: some types label an interval
 * by its end.
 */
function outsideSql(source: Source): string {
  const [start, end] = [startSql(source, 'source_object'), endSql(source, 'source_object')]
  return `sum(CASE WHEN day * ${US_PER_DAY} < ${start} OR (day * ${US_PER_DAY} >= ${end} AND last_us > ${end}) THEN n ELSE 0 END)::BIGINT`
}

/** SQL of the rows of a fixed step that a file lacks at its begin (`head`) and end (`tail`), within the period in its name. What lacks between them is a gap. */
function lackingSql(source: Source, us: number | undefined): string {
  if (us === undefined) return '0 AS head, 0 AS tail'
  const [start, end] = [startSql(source, 'any_value(source_object)'), endSql(source, 'any_value(source_object)')]
  // Rows of other days are reported as such.
  const within = (sql: string) =>
    `CASE WHEN min(first_us) < ${end} AND max(last_us) >= ${start} THEN greatest(0, ${sql}) ELSE 0 END::BIGINT`
  return `${within(`(min(first_us) - ${start}) // ${us}`)} AS head, ${within(`(${end} - max(last_us)) // ${us} - 1`)} AS tail`
}
