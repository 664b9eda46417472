import { type Finding, wholeFinding } from '../../core/finding.ts'
import { formatInstant, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { periodRange } from '../../lake/iceberg/schema.ts'
import { type AsOf, liveFiles, loadTable, required, snapshotOf, type Table } from '../../lake/iceberg/table.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { isOfSameMarket, isSingleTrades, isTradedBars, type Series, seriesOf, silverTableName } from '../../sources/series.ts'
import { transformOf } from '../build/inputs.ts'
import { rowsOf } from '../event-times.ts'
import { DetectorRun } from './anomalies/run-detectors.ts'
import { DIMENSIONS, type Dimension } from './checks/check.ts'
import { compareWithFiner, compareWithTrades } from './checks/cross-bars.ts'
import { CheckRun } from './checks/run-checks.ts'
import { FOUND_TYPES, type Found } from './found.ts'
import { finerSeries } from './made-bars.ts'
import { replaceRows, reportShape } from './report-shape.ts'
import { RULES } from './rules.ts'
import { type QualityOptions, type Scores, score } from './score.ts'

/** The quality of a table: the mean score of its days (0–100) and the mean of each part (0–1; null if it could not be judged). */
export type Assessment = {
  readonly table: string
  readonly rows: number
  readonly days: number
  readonly score: number | null
  readonly parts: Readonly<Record<Dimension, number | null>>
  readonly findings: readonly Finding[]
}

/** At most this many findings of a rule are listed; the table silver.findings has all. */
const LISTED = 100

const FINDINGS = reportShape(
  {
    symbol: 'string',
    check_id: 'string',
    severity: 'string',
    dimension: 'string',
    from_time: 'timestamptz',
    to_time: 'timestamptz',
    row_count: 'long',
    explanation: 'string',
    score: 'double',
    context: 'string',
  },
  ['symbol', 'from_time', 'check_id'],
)

/** The state of the detectors at the end of a table, from which a score can be computed again. */
const MODELS = reportShape({ symbol: 'string', detector: 'string', version: 'long', trained_rows: 'long', model: 'string' }, [
  'symbol',
  'detector',
])

const QUALITY = reportShape(
  {
    symbol: 'string',
    day: 'date',
    rows: 'long',
    score: 'double',
    ...Object.fromEntries(DIMENSIONS.map((part) => [part, 'double' as const])),
  },
  ['symbol', 'day'],
)

/**
 * Checks a silver table against every rule that applies. Writes the findings to silver.findings, and the score of each symbol and day to silver.quality, in place
 * of the former entries of the table. The same rows and rules give the same entries. Throws TABLE_NOT_FOUND.
 */
export async function assessTable(lake: Lake, series: Series, options: QualityOptions): Promise<Assessment> {
  const subject = `silver.${silverTableName(series)}`
  return await judged(lake, series, options, undefined, async ({ found, scores, models }) => {
    await replaceRows(lake, 'findings', subject, FINDINGS, findingsSql(subject, found))
    await replaceRows(lake, 'quality', subject, QUALITY, `SELECT ${quote(subject)} AS table_name, * FROM ${scores}`)
    await replaceRows(lake, 'models', subject, MODELS, `SELECT ${quote(subject)} AS table_name, * FROM ${models}`)
    return await summary(lake, subject, found, scores)
  })
}

/** The scores of a symbol on a day: `score` 0–100, the parts 0–1 or null, `errors` the findings of severity error that concern the day. */
export type DayScore = { readonly symbol: string; readonly day: string; readonly values: Readonly<Record<string, number | null>> }

/** The scores of some days in one state of a silver table. Nothing is written. Ranges are half-open, in µs. Throws TABLE_NOT_FOUND, SNAPSHOT_NOT_FOUND. */
export async function scoreDays(
  lake: Lake,
  series: Series,
  options: QualityOptions,
  asOf: AsOf,
  ranges: readonly TimeRange[],
): Promise<DayScore[]> {
  return await judged(lake, series, options, asOf, async ({ found, scores }) => {
    const severities = Object.entries(RULES).map(([id, { severity }]) => `(${quote(id)}, ${quote(severity)})`)
    const isWithin = ranges.map(
      ({ start, end }) => `(epoch_us(day::TIMESTAMP) < ${end} AND epoch_us(day::TIMESTAMP) + ${US_PER_DAY} > ${start})`,
    )
    const rows = await lake.session.rows(`SELECT s.symbol, strftime(day, '%Y-%m-%d') AS date, s.* EXCLUDE (symbol, day),
      (SELECT count(*) FROM ${found} f JOIN (VALUES ${severities.join(', ')}) AS r(check_id, severity) USING (check_id)
        WHERE severity = 'error' AND f.symbol = s.symbol AND f.from_us < epoch_us(s.day::TIMESTAMP) + ${US_PER_DAY} AND coalesce(f.to_us, f.from_us) >= epoch_us(s.day::TIMESTAMP)) AS errors
      FROM ${scores} s WHERE ${isWithin.join(' OR ') || 'false'} ORDER BY s.symbol, date`)
    return rows.map(({ symbol, date, ...values }) => ({
      symbol: String(symbol),
      day: String(date),
      values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === null ? null : Number(value)])),
    }))
  })
}

type Judged = { readonly found: Found; readonly scores: Scores; readonly models: Awaited<ReturnType<DetectorRun['models']>> }

/** Checks one state of a table against every rule, and gives the findings and scores to `use`. */
async function judged<T>(
  lake: Lake,
  series: Series,
  options: QualityOptions,
  asOf: AsOf | undefined,
  use: (judged: Judged) => Promise<T>,
): Promise<T> {
  const { store, session } = lake
  const root = tableKey('silver', silverTableName(series))
  const table = required(await loadTable(store, root), root)
  await using fold = await lake.readLedger()
  await using found = await Relation.empty(session, FOUND_TYPES)
  const names = table.shape.fields.map((field) => field.name)
  await using run = await CheckRun.begin(session, series, found, { names, sql: await scanSql(session, table, table.shape, []) })
  const partitions = new Map<number, DataFile[]>()
  for await (const file of liveFiles(table, snapshotOf(table, asOf))) {
    const period = Number(file.partition[0])
    partitions.set(period, [...(partitions.get(period) ?? []), file])
  }
  const inOrder = [...partitions].sort(([a], [b]) => a - b).map(([, files]) => files)
  for (const files of inOrder) await run.add(await scanSql(session, table, table.shape, files))
  await compareBars(lake, series, table, partitions, found)
  const detectors = new DetectorRun(session, series, found)
  for (const files of inOrder)
    await detectors.add(await scanSql(session, table, table.shape, files), { inOrder: files.length === 1 && files[0]?.sorted === true })
  await using models = await detectors.models()
  await using scores = await score(session, series, { fold, found, tallies: run.tallies, kept: run.kept }, options)
  return await use({ found, scores, models })
}

/** Compares traded bars with finer bars and with trades, if the lake has them, partition by partition. */
async function compareBars(
  lake: Lake,
  series: Series,
  table: Table,
  partitions: ReadonlyMap<number, readonly DataFile[]>,
  found: Found,
): Promise<void> {
  const { session } = lake
  if (!isTradedBars(series)) return
  const there = (await lake.tables('silver')).map(seriesOf).filter((one) => one !== undefined)
  const finer = finerSeries(series, there)
  const trades = series.interval === '1m' ? there.find((one) => isSingleTrades(one) && isOfSameMarket(one, series)) : undefined
  const finerRows = finer && (await rowsOf(lake, finer))
  const tradeRows = trades && (await rowsOf(lake, trades))
  for (const [period, files] of finerRows === undefined && tradeRows === undefined ? [] : partitions) {
    const range = periodRange(transformOf(series), period)
    const bars = await scanSql(session, table, table.shape, files)
    if (finer !== undefined && finerRows !== undefined) await compareWithFiner(found, series, bars, finer, (await finerRows(range)).sql)
    if (trades !== undefined && tradeRows !== undefined) await compareWithTrades(found, series, bars, trades, (await tradeRows(range)).sql)
  }
}

function findingsSql(table: string, found: Found): string {
  const rules = Object.entries(RULES).map(
    ([id, { severity, dimension, meaning }]) => `(${[id, severity, dimension, meaning].map(quote).join(', ')})`,
  )
  return `SELECT ${quote(table)} AS table_name, symbol, check_id, severity, dimension, make_timestamptz(from_us) AS from_time, make_timestamptz(to_us) AS to_time, row_count, explanation || coalesce(': ' || detail, '') AS explanation, score, context
    FROM ${found} JOIN (VALUES ${rules.join(', ')}) AS told(check_id, severity, dimension, explanation) USING (check_id) ORDER BY symbol, from_time, check_id`
}

async function summary(lake: Lake, table: string, found: Found, scores: Scores): Promise<Assessment> {
  const { session } = lake
  const [totals = {}] = await session.rows(
    `SELECT coalesce(sum(rows), 0)::BIGINT AS rows, count(*) AS days, avg(score) AS score, ${DIMENSIONS.map((part) => `avg(${part}) AS ${part}`).join(', ')} FROM ${scores}`,
  )
  const number = (name: string) => (totals[name] === null || totals[name] === undefined ? null : Number(totals[name]))
  const told =
    await session.rows(`SELECT check_id, symbol, from_us, to_us, row_count, detail, count(*) OVER by_check AS stretches, sum(row_count) OVER by_check::BIGINT AS total FROM ${found}
    WINDOW by_check AS (PARTITION BY check_id) QUALIFY row_number() OVER (PARTITION BY check_id ORDER BY symbol, from_us) <= ${LISTED} ORDER BY check_id, symbol, from_us`)
  const findings: Finding[] = []
  for (const row of told) {
    const id = String(row['check_id'])
    const { severity, meaning } = RULES[id] ?? { severity: 'info' as const, meaning: id }
    const instant = (value: unknown) => (value === null ? null : formatInstant(Number(value)))
    const [from, to] = [instant(row['from_us']), instant(row['to_us'])]
    findings.push({
      check: id,
      severity,
      table,
      symbol: String(row['symbol']),
      from,
      to,
      count: Number(row['row_count']),
      explanation: row['detail'] === null ? meaning : `${meaning}: ${row['detail']}`,
    })
    if (Number(row['stretches']) > LISTED && findings.at(-2)?.check !== id)
      findings.push(
        wholeFinding(
          table,
          id,
          severity,
          Number(row['total']),
          `${row['stretches']} findings in total; the first ${LISTED} are listed: ${meaning}`,
        ),
      )
  }
  const parts = Object.fromEntries(DIMENSIONS.map((part) => [part, number(part)])) as Record<Dimension, number | null>
  return { table, rows: Number(totals['rows']), days: Number(totals['days']), score: number('score'), parts, findings }
}
