import { quote, quoteName } from '../platform/duckdb/session.ts'
import { LEDGER_CHECKS, STALE_CHECK } from '../silver/quality/rules.ts'
import { contractOf, type Series } from '../sources/series.ts'

/** `silver.<table>_flagged` is the table with what silver.findings says of each row. */
export const FLAGGED = '_flagged'

/** What the rows without flags are called behind a view with them: the query may also mention the table itself, under other conditions. */
export function unflaggedView(flagged: string): string {
  return `${flagged} without flags`
}

/**
 * SQL of a table's rows with one column more: `quality_flags`, the rules that a finding on the row's symbol and time names, in order; empty where there is none. What concerns whole files is
 * not told of their rows.
 */
export function flaggedSql(series: Series, table: string, rows: string, findings: string): string {
  const ofFiles = Object.keys({ ...LEDGER_CHECKS, ...STALE_CHECK })
    .map(quote)
    .join(', ')
  const time = `epoch_us(b.${quoteName(contractOf(series).eventTime)})`
  return `WITH f AS (SELECT DISTINCT symbol, check_id, epoch_us(from_time) AS s, greatest(epoch_us(to_time), epoch_us(from_time) + 1) AS e FROM (${findings})
      WHERE table_name = ${quote(table)} AND from_time IS NOT NULL AND check_id NOT IN (${ofFiles})),
    borders AS (SELECT symbol, s AS p FROM f UNION SELECT symbol, e FROM f),
    stretches AS (SELECT o.symbol, o.p, list(f.check_id ORDER BY f.check_id) FILTER (f.check_id IS NOT NULL) AS flags
      FROM borders o LEFT JOIN f ON f.symbol = o.symbol AND f.s <= o.p AND o.p < f.e GROUP BY ALL)
    SELECT b.*, coalesce(g.flags, []) AS quality_flags FROM (${rows}) b ASOF LEFT JOIN stretches g ON g.symbol = b.symbol AND ${time} >= g.p`
}
