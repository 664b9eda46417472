import { type Finding, wholeFinding } from '../../core/finding.ts'
import { INTERVALS } from '../../core/interval.ts'
import { formatInstant, US_PER_DAY } from '../../core/time.ts'
import type { Lake } from '../../lake/lake.ts'
import type { LedgerFold } from '../../lake/ledger/fold.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import { type Series, silverTableName } from '../../sources/series.ts'
import { eventTimes } from '../event-times.ts'
import { type DecodeLimits, decodableObjects } from './inputs.ts'

/** At most this many gaps of a table are listed; all are counted. */
const LISTED = 100

async function timesOf(lake: Lake, series: Series): Promise<string | undefined> {
  const table = await lake.findTable('silver', silverTableName(series))
  return table === undefined ? undefined : await eventTimes(lake.session, table, series)
}

/** Finds gaps between the bars of each symbol, and bars that do not open on the grid of their interval. Calendar months are not judged. */
export async function continuityFindings(lake: Lake, series: Series): Promise<{ findings: Finding[]; gaps: number; missing: number }> {
  const us = series.interval === undefined ? undefined : INTERVALS[series.interval].us
  const source = us === undefined ? undefined : await timesOf(lake, series)
  if (us === undefined || source === undefined) return { findings: [], gaps: 0, missing: 0 }
  const table = `silver.${silverTableName(series)}`
  const anchor = series.interval === '1w' ? 4 * US_PER_DAY : 0
  // One pass finds the symbols with problems; only their rows are then checked one by one.
  const suspects =
    await lake.session.rows(`SELECT symbol, count(*) FILTER ((us - ${anchor}) % ${us} <> 0) AS off_grid, min(us) AS first, max(us) AS last
    FROM (${source}) GROUP BY symbol
    HAVING off_grid > 0 OR count(*) <> (max(us) - min(us)) // ${us} + 1 ORDER BY symbol`)
  if (suspects.length === 0) return { findings: [], gaps: 0, missing: 0 }
  const symbols = suspects.map((row) => quote(String(row['symbol']))).join(', ')
  const found = await findGaps(lake.session, `SELECT * FROM (${source}) WHERE symbol IN (${symbols})`, table, us)
  return { ...found, findings: [...found.findings, ...suspects.flatMap((row) => offGrid(row, table, us))] }
}

async function findGaps(
  session: DuckDBSession,
  source: string,
  table: string,
  us: number,
): Promise<{ findings: Finding[]; gaps: number; missing: number }> {
  await using found = await Relation.of(
    session,
    ['symbol', 'gap_start', 'gap_end'],
    `SELECT symbol, before + ${us} AS gap_start, us AS gap_end FROM
      (SELECT symbol, us, lag(us) OVER (PARTITION BY symbol ORDER BY us) AS before FROM (${source}))
    WHERE us - before >= ${2 * us}`,
  )
  const [total] = await session.rows(
    `SELECT count(*) AS n, coalesce(sum((gap_end - gap_start) // ${us}), 0)::BIGINT AS missing FROM ${found}`,
  )
  const listed = await session.rows(`SELECT symbol, gap_start, gap_end FROM ${found} ORDER BY symbol, gap_start LIMIT ${LISTED}`)
  const findings = listed.map(({ symbol, gap_start: start, gap_end: end }): Finding => {
    const count = Math.floor((Number(end) - Number(start)) / us)
    const explanation = `${count} bars are missing between two existing bars: see \`gaps\` for the cause`
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
    const explanation = `${gaps} gaps in total; the first ${findings.length} are listed: see \`gaps\` for all`
    findings.push(wholeFinding(table, 'gap', 'warning', missing, explanation))
  }
  return { findings, gaps, missing }
}

function offGrid(row: Record<string, unknown>, table: string, us: number): Finding[] {
  const count = Number(row['off_grid'])
  if (count === 0) return []
  const explanation = `${count} bars do not open on the grid of their interval; the lake keeps them as published`
  const [from, to] = [formatInstant(Number(row['first'])), formatInstant(Number(row['last']) + us)]
  return [{ check: 'off_grid', severity: 'warning', table, symbol: String(row['symbol']), from, to, count, explanation }]
}

/** A month of one symbol that the monthly file `key` should cover; the range is half-open, µs. */
export type CoveredMonth = { readonly key: string; readonly symbol: string; readonly start: number; readonly end: number }

/**
 * Days (YYYY-MM-DD) that monthly files should cover but do not, by symbol: days without a row, and every day of a quarantined file.
 * Days before a symbol's first row do not count.
 */
export async function missingDays(
  lake: Lake,
  fold: LedgerFold,
  series: Series,
  months: readonly CoveredMonth[],
  limits: DecodeLimits,
): Promise<Map<string, Set<string>>> {
  const { session } = lake
  const found = new Map<string, Set<string>>()
  const source = (await timesOf(lake, series)) ?? 'SELECT NULL::VARCHAR AS symbol, NULL::BIGINT AS us WHERE false'
  await using covered = await Relation.empty(session, { key: 'VARCHAR', symbol: 'VARCHAR', first: 'BIGINT', past: 'BIGINT' })
  for (let at = 0; at < months.length; at += 500) {
    const values = months.slice(at, at + 500).map(({ key, symbol, start, end }) => `(${quote(key)}, ${quote(symbol)}, ${start}, ${end})`)
    await covered.add(`SELECT * FROM (VALUES ${values.join(', ')}) AS v(${covered.columns.join(', ')})`)
  }
  await using usable = await Relation.of(session, ['key'], decodableObjects(fold, series, limits))
  const rows = await session.rows(`
    WITH present AS (SELECT DISTINCT symbol, us // 86400000000 AS day FROM (${source})),
    firsts AS (SELECT symbol, min(day) AS first_day FROM present GROUP BY symbol),
    wanted AS (SELECT symbol, key IN (SELECT key FROM ${usable}) AS is_usable, unnest(range(first // 86400000000, past // 86400000000)) AS day FROM ${covered})
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
