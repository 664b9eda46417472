import { type Finding, wholeFinding } from '../../core/finding.ts'
import { INTERVALS } from '../../core/interval.ts'
import { formatInstant, US_PER_DAY } from '../../core/time.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import { tableKey } from '../../lake/layout.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import { type Series, silverTableName } from '../../sources/series.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { eventTimes } from '../event-times.ts'
import { type DecodeLimits, decodableObjects } from './inputs.ts'

type Deps = { readonly store: ObjectStore; readonly session: DuckDBSession }

/** So many gaps are listed of a table; all are counted. */
const LISTED = 100

async function timesOf({ store, session }: Deps, series: Series): Promise<string | undefined> {
  const table = await loadTable(store, tableKey('silver', silverTableName(series)))
  return table === undefined ? undefined : await eventTimes(session, table, series)
}

/** Gaps between the bars of each symbol of a table, and bars that open off the grid of their interval. Calendar months are not judged. */
export async function continuityFindings(deps: Deps, series: Series): Promise<{ findings: Finding[]; gaps: number; missing: number }> {
  const us = series.interval === undefined ? undefined : INTERVALS[series.interval].us
  const source = us === undefined ? undefined : await timesOf(deps, series)
  if (us === undefined || source === undefined) return { findings: [], gaps: 0, missing: 0 }
  const table = `silver.${silverTableName(series)}`
  const anchor = series.interval === '1w' ? 4 * US_PER_DAY : 0
  // One pass tells which symbols have anything wrong; only those are looked at row by row.
  const suspects =
    await deps.session.rows(`SELECT symbol, count(*) FILTER ((us - ${anchor}) % ${us} <> 0) AS off_grid, min(us) AS first, max(us) AS last
    FROM (${source}) GROUP BY symbol
    HAVING off_grid > 0 OR count(*) <> (max(us) - min(us)) // ${us} + 1 ORDER BY symbol`)
  if (suspects.length === 0) return { findings: [], gaps: 0, missing: 0 }
  const symbols = suspects.map((row) => quote(String(row['symbol']))).join(', ')
  const found = await findGaps(deps.session, `SELECT * FROM (${source}) WHERE symbol IN (${symbols})`, table, us)
  return { ...found, findings: [...found.findings, ...suspects.flatMap((row) => offGrid(row, table, us))] }
}

async function findGaps(
  session: DuckDBSession,
  source: string,
  table: string,
  us: number,
): Promise<{ findings: Finding[]; gaps: number; missing: number }> {
  await session.run(`CREATE OR REPLACE TEMP TABLE gaps AS
    SELECT symbol, before + ${us} AS gap_start, us AS gap_end FROM
      (SELECT symbol, us, lag(us) OVER (PARTITION BY symbol ORDER BY us) AS before FROM (${source}))
    WHERE us - before >= ${2 * us}`)
  const [total] = await session.rows(`SELECT count(*) AS n, coalesce(sum((gap_end - gap_start) // ${us}), 0)::BIGINT AS missing FROM gaps`)
  const listed = await session.rows(`SELECT symbol, gap_start, gap_end FROM gaps ORDER BY symbol, gap_start LIMIT ${LISTED}`)
  const findings = listed.map(({ symbol, gap_start: start, gap_end: end }): Finding => {
    const count = Math.floor((Number(end) - Number(start)) / us)
    const explanation = `${count} bars are missing between two that are there`
    return {
      check: 'gap',
      severity: 'warning',
      table,
      symbol: String(symbol),
      from: formatInstant(Number(start)),
      to: formatInstant(Number(end)),
      count,
      explanation,
    }
  })
  const gaps = Number(total?.['n'] ?? 0)
  const missing = Number(total?.['missing'] ?? 0)
  if (gaps > findings.length) {
    const explanation = `${gaps} gaps in all, the first ${findings.length} are listed`
    findings.push(wholeFinding(table, 'gap', 'warning', missing, explanation))
  }
  return { findings, gaps, missing }
}

function offGrid(row: Record<string, unknown>, table: string, us: number): Finding[] {
  const count = Number(row['off_grid'])
  if (count === 0) return []
  const explanation = `${count} bars open off the grid of their interval; they are kept as published`
  const [from, to] = [formatInstant(Number(row['first'])), formatInstant(Number(row['last']) + us)]
  return [{ check: 'off_grid', severity: 'warning', table, symbol: String(row['symbol']), from, to, count, explanation }]
}

/** A month of one symbol that the monthly file `key` is to cover; the range is half-open, µs. */
export type CoveredMonth = { readonly key: string; readonly symbol: string; readonly start: number; readonly end: number }

/**
 * Days (YYYY-MM-DD) that monthly files were to cover and do not, by symbol: days without a row, and every day of a file that is quarantined.
 * Days before a symbol's first row do not count. The session must hold the fold and the decodable inputs of the series.
 */
export async function missingDays(
  deps: Deps & { readonly limits: DecodeLimits },
  series: Series,
  months: readonly CoveredMonth[],
): Promise<Map<string, Set<string>>> {
  const { session } = deps
  const found = new Map<string, Set<string>>()
  const source = (await timesOf(deps, series)) ?? 'SELECT NULL::VARCHAR AS symbol, NULL::BIGINT AS us WHERE false'
  await session.run('CREATE OR REPLACE TEMP TABLE covered_months (key VARCHAR, symbol VARCHAR, first BIGINT, past BIGINT)')
  for (let at = 0; at < months.length; at += 500) {
    const values = months.slice(at, at + 500).map(({ key, symbol, start, end }) => `(${quote(key)}, ${quote(symbol)}, ${start}, ${end})`)
    await session.run(`INSERT INTO covered_months VALUES ${values.join(', ')}`)
  }
  await session.run(`CREATE OR REPLACE TEMP TABLE usable AS ${decodableObjects(series, deps.limits)}`)
  const rows = await session.rows(`
    WITH present AS (SELECT DISTINCT symbol, us // 86400000000 AS day FROM (${source})),
    firsts AS (SELECT symbol, min(day) AS first_day FROM present GROUP BY symbol),
    wanted AS (SELECT symbol, key IN (SELECT key FROM usable) AS is_usable, unnest(range(first // 86400000000, past // 86400000000)) AS day FROM covered_months)
    SELECT symbol, strftime(make_timestamp(day * 86400000000), '%Y-%m-%d') AS day
    FROM wanted LEFT JOIN firsts USING (symbol) ANTI JOIN present USING (symbol, day)
    WHERE NOT is_usable OR day >= first_day ORDER BY symbol, day`)
  for (const row of rows) {
    const symbol = String(row['symbol'])
    const days = found.get(symbol) ?? new Set<string>()
    found.set(symbol, days.add(String(row['day'])))
  }
  return found
}
