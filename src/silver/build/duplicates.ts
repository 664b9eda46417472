import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quoteName } from '../../platform/duckdb/session.ts'

/** Two rows with the same key and different values, as JSON. The row that was read first stays. */
type Conflict = { readonly symbol: string; readonly at: string; readonly kept: string; readonly dropped: string }

export type Duplicates = { readonly dropped: number; readonly conflicting: number; readonly conflicts: readonly Conflict[] }

export const NO_DUPLICATES: Duplicates = { dropped: 0, conflicting: 0, conflicts: [] }

/** At most this many conflicts are listed; all are counted. */
const LISTED = 100

/**
 * Duplicates in collected rows: how many rows are dropped when the first of each key stays, how many keys have rows with different values,
 * and those rows in pairs. A different origin (source, source_object) does not count as a difference.
 */
export async function findDuplicates(
  session: DuckDBSession,
  staged: Relation<string>,
  key: readonly string[],
  eventTime: string,
): Promise<Duplicates> {
  const keys = key.map(quoteName).join(', ')
  await using doubled = await Relation.of(
    session,
    [...key, 'first_row', 'n'],
    `SELECT ${keys}, min(rowid) AS first_row, count(*) AS n FROM ${staged} GROUP BY ${keys} HAVING n > 1`,
  )
  const [totals] = await session.rows(`SELECT coalesce(sum(n - 1), 0)::BIGINT AS dropped FROM ${doubled}`)
  const dropped = Number(totals?.['dropped'] ?? 0)
  if (dropped === 0) return NO_DUPLICATES
  const values = staged.columns.filter((name) => !key.includes(name) && name !== 'source' && name !== 'source_object')
  // Where every column is part of the key, rows of one key cannot differ.
  if (values.length === 0) return { dropped, conflicting: 0, conflicts: [] }
  const row = (alias: string) => `row(${values.map((name) => `${alias}.${quoteName(name)}`).join(', ')})`
  const same = key
    .map((name) => `f.${quoteName(name)} = d.${quoteName(name)} AND s.${quoteName(name)} = d.${quoteName(name)}`)
    .join(' AND ')
  await using conflicting = await Relation.of(
    session,
    ['first_row', 'other_row'],
    `SELECT d.first_row AS first_row, min(s.rowid) AS other_row
    FROM ${doubled} d JOIN ${staged} f ON f.rowid = d.first_row JOIN ${staged} s ON ${same} AND s.rowid > d.first_row AND ${row('s')} IS DISTINCT FROM ${row('f')}
    GROUP BY d.first_row`,
  )
  const [counted] = await session.rows(`SELECT count(*) AS n FROM ${conflicting}`)
  const listed =
    await session.rows(`SELECT f.symbol AS symbol, strftime(f.${quoteName(eventTime)}, '%Y-%m-%dT%H:%M:%S.%fZ') AS "at", to_json(f)::VARCHAR AS kept, to_json(s)::VARCHAR AS dropped
    FROM ${conflicting} c JOIN ${staged} f ON f.rowid = c.first_row JOIN ${staged} s ON s.rowid = c.other_row ORDER BY c.first_row LIMIT ${LISTED}`)
  const conflicts = listed.map((one) => ({
    symbol: String(one['symbol']),
    at: String(one['at']),
    kept: String(one['kept']),
    dropped: String(one['dropped']),
  }))
  return { dropped, conflicting: Number(counted?.['n'] ?? 0), conflicts }
}
