import { type Finding, type Severity, wholeFinding } from '../../core/finding.ts'
import { formatInstant, US_PER_DAY } from '../../core/time.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { periodRange } from '../../lake/iceberg/schema.ts'
import { liveFiles, loadTable, required, snapshotOf, type Table } from '../../lake/iceberg/table.ts'
import { tableKey } from '../../lake/layout.ts'
import { DECISIONS, foldLedger } from '../../lake/ledger/fold.ts'
import { listTables } from '../../lake/tables/list-tables.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import type { WriteDeps } from '../../lake/tables/write-rows.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { dateSql, endSql, startSql, symbolSql } from '../../sources/object-sql.ts'
import {
  contractOf,
  isOfSameMarket,
  isSingleTrades,
  isTradedBars,
  offerOf,
  type Series,
  seriesOf,
  silverTableName,
  sourceOf,
} from '../../sources/series.ts'
import { transformOf } from '../build/inputs.ts'
import { rowsOf } from '../event-times.ts'
import { DETECTORS } from './anomalies/registry.ts'
import { DetectorRun } from './anomalies/run-detectors.ts'
import { DIMENSIONS, type Dimension } from './checks/check.ts'
import { CROSS_CHECKS, compareWithFiner, compareWithTrades } from './checks/cross-bars.ts'
import { CHECKS } from './checks/registry.ts'
import { CheckRun } from './checks/run-checks.ts'
import { finerSeries } from './made-bars.ts'
import { replaceRows, reportShape } from './report-shape.ts'

export type QualityOptions = {
  /** How much each part weighs in a score; parts that cannot be judged weigh nothing. */
  readonly weights: Readonly<Record<Dimension, number>>
  /** µs; what ends longer ago than this before now is stale. */
  readonly staleUs: number
  readonly nowUs: number
}

/** How good a table is: the mean of its days' scores, 0–100, and of their parts, 0–1 (null where nothing could be judged). */
export type Assessment = {
  readonly table: string
  readonly rows: number
  readonly days: number
  readonly score: number | null
  readonly parts: Readonly<Record<Dimension, number | null>>
  readonly findings: readonly Finding[]
}

/** So many findings of a rule are told one by one; the table silver.findings has all. */
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

/** What detectors had learnt at the end of a table: with it a score can be given again. */
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
 * Holds every rule that applies against a silver table and writes what it finds to silver.findings, and the score of each symbol and day to silver.quality; the table's former
 * entries are replaced. The same rows and rules give the same entries. Throws TABLE_NOT_FOUND.
 */
export async function assessTable(deps: WriteDeps, series: Series, options: QualityOptions): Promise<Assessment> {
  const { store, session } = deps
  const name = silverTableName(series)
  const root = tableKey('silver', name)
  const table = required(await loadTable(store, root), root)
  await foldLedger(session, store)
  const run = new CheckRun(session, series)
  await run.begin(await scanSql(session, table, table.shape, []))
  const partitions = new Map<number, DataFile[]>()
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) {
    const period = Number(file.partition[0])
    partitions.set(period, [...(partitions.get(period) ?? []), file])
  }
  const inOrder = [...partitions].sort(([a], [b]) => a - b).map(([, files]) => files)
  for (const files of inOrder) await run.add(await scanSql(session, table, table.shape, files))
  await compareBars(deps, series, table, partitions)
  const detectors = new DetectorRun(session, series)
  for (const files of inOrder)
    await detectors.add(await scanSql(session, table, table.shape, files), { inOrder: files.length === 1 && files[0]?.sorted === true })
  await detectors.saveModels()
  await score(deps, series, options)
  await replaceRows(deps, 'findings', `silver.${name}`, FINDINGS, findingsSql(`silver.${name}`))
  await replaceRows(deps, 'quality', `silver.${name}`, QUALITY, `SELECT ${quote(`silver.${name}`)} AS table_name, * FROM scores`)
  await replaceRows(deps, 'models', `silver.${name}`, MODELS, `SELECT ${quote(`silver.${name}`)} AS table_name, * FROM models`)
  return await summary(deps, `silver.${name}`)
}

/** Holds bars of what was traded against finer ones, and against trades, where the lake has them; partition by partition. */
async function compareBars(
  { store, session }: WriteDeps,
  series: Series,
  table: Table,
  partitions: ReadonlyMap<number, readonly DataFile[]>,
): Promise<void> {
  if (!isTradedBars(series)) return
  const there = (await listTables(store, 'silver')).map(seriesOf).filter((one) => one !== undefined)
  const finer = finerSeries(series, there)
  const trades = series.interval === '1m' ? there.find((one) => isSingleTrades(one) && isOfSameMarket(one, series)) : undefined
  const finerRows = finer && (await rowsOf({ store, session }, finer))
  const tradeRows = trades && (await rowsOf({ store, session }, trades))
  for (const [period, files] of finerRows === undefined && tradeRows === undefined ? [] : partitions) {
    const range = periodRange(transformOf(series), period)
    const bars = await scanSql(session, table, table.shape, files)
    if (finer !== undefined && finerRows !== undefined) await compareWithFiner(session, series, bars, finer, (await finerRows(range)).sql)
    if (trades !== undefined && tradeRows !== undefined)
      await compareWithTrades(session, series, bars, trades, (await tradeRows(range)).sql)
  }
}

/** What the ledger knows of the objects that a table was made of, told beside the rules for rows. */
export const LEDGER_CHECKS = {
  duplicate_rows: {
    severity: 'warning',
    dimension: 'uniqueness',
    meaning: 'rows repeat the key of another one, of the same file or of an earlier one, and were dropped',
  },
  unsorted_file: {
    severity: 'info',
    dimension: 'consistency',
    meaning: 'the rows of a file do not lie in the order of time: they were sorted',
  },
  unused_column: { severity: 'info', dimension: 'consistency', meaning: 'the column that means nothing is not 0' },
  rejected_rows: { severity: 'error', dimension: 'validity', meaning: 'lines could not be typed and lie in quarantine' },
} as const

/** A table that ended so long ago is one of the past, and nobody waits for its next rows. */
const KEPT_UP_US = 60 * US_PER_DAY

/** What the end of a symbol tells. */
export const STALE_CHECK = {
  stale: {
    severity: 'info',
    dimension: 'timeliness',
    meaning: 'the newest row is older than quality.maxStaleDays: files are late, or were not ingested',
  },
} as const

type Rule = { readonly severity: Severity; readonly dimension: Dimension; readonly meaning: string }

/** Everything that a finding may be of, by its id. */
const RULES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(CHECKS.map((check) => [check.id, check])),
  ...LEDGER_CHECKS,
  ...STALE_CHECK,
  ...CROSS_CHECKS,
  ...Object.fromEntries(DETECTORS.map(({ id, meaning }) => [id, { severity: 'info', dimension: 'accuracy', meaning }] as const)),
}

/** Scores by symbol and day, and what the ledger knows, into `scores` and `found`. */
async function score({ session }: WriteDeps, series: Series, { weights, staleUs, nowUs }: QualityOptions): Promise<void> {
  const source = sourceOf(series)
  const isLive = offerOf(series)?.archive.discontinued === undefined
  const us = contractOf(series).cadence(series.interval)
  // A day lies in one partition: `tallies` has it once. Where rows come in a fixed step a day's number is known, but for the days at which a symbol begins and ends; days without a row count as well.
  const isStepped = us !== undefined && us < US_PER_DAY
  await session.run(`CREATE OR REPLACE TEMP TABLE sources AS
    SELECT source_object AS key, ${symbolSql(source, 'source_object')} AS symbol, ${dateSql(source, 'source_object')} AS date, kept.n, d.rows, d.rejected - coalesce(gone.n, 0) AS rejected, d.sorted, d.unused
    FROM (SELECT source_object, sum(n) AS n FROM kept GROUP BY ALL) kept
    LEFT JOIN (SELECT key, arg_max(rows, ("at", run, n)) AS rows, arg_max(rejected, ("at", run, n)) AS rejected, arg_max(sorted, ("at", run, n)) AS sorted, arg_max(unused, ("at", run, n)) AS unused FROM ledger WHERE event = 'decoded' GROUP BY key) d ON d.key = source_object
    LEFT JOIN (SELECT x.key, count(*) AS n FROM (${DECISIONS}) x JOIN current_objects c ON c.key = x.key AND c.v.sha256 = x.sha256 WHERE decision = 'dropped' AND line IS NOT NULL GROUP BY x.key) gone ON gone.key = source_object`)
  const known = {
    duplicate_rows: 'rows - n',
    rejected_rows: 'rejected',
    unused_column: 'unused',
    unsorted_file: 'CASE WHEN NOT sorted THEN rows END',
  } as const satisfies Record<keyof typeof LEDGER_CHECKS, string>
  for (const [check, count] of Object.entries(known))
    await session.run(`INSERT INTO found BY NAME SELECT ${quote(check)} AS check_id, symbol, ${startSql(source, 'key')} AS from_us, ${endSql(source, 'key')} AS to_us, (${count})::BIGINT AS row_count
      FROM sources WHERE (${count}) > 0`)
  if (isLive)
    await session.run(`INSERT INTO found BY NAME SELECT 'stale' AS check_id, symbol, max(last_us) AS from_us, max(last_us) + 1 AS to_us, 1 AS row_count
      FROM tallies GROUP BY symbol QUALIFY max(last_us) >= max(max(last_us)) OVER () - ${staleUs} AND max(last_us) BETWEEN ${nowUs - KEPT_UP_US} AND ${nowUs - staleUs}`)
  const days = isStepped
    ? `SELECT symbol, day, coalesce(n, 0) AS n, least(1, coalesce(n, 0) / ((least((day + 1) * ${US_PER_DAY}, last_of + ${us}) - greatest(day * ${US_PER_DAY}, first_of)) // ${us})) AS completeness
       FROM (SELECT symbol, min(first_us) AS first_of, max(last_us) AS last_of, unnest(range(min(day), max(day) + 1)) AS day FROM tallies GROUP BY symbol) LEFT JOIN tallies USING (symbol, day)`
    : 'SELECT symbol, day, n, n / (n + missing) AS completeness FROM tallies'
  const share = (part: Dimension) => `CASE WHEN t.n > 0 THEN 1 - t.bad_${part} / t.n END AS ${part}`
  const weight = (part: Dimension) => `CASE WHEN ${part} IS NULL THEN 0 ELSE ${weights[part]} END`
  await session.run(`CREATE OR REPLACE TEMP TABLE scores AS
    WITH days AS (${days}), ends AS (SELECT symbol, max(last_us) AS last_of, max(max(last_us)) OVER () AS last_of_all FROM tallies GROUP BY symbol),
    objects AS (SELECT symbol, date, sum(n) / greatest(sum(rows), 1) AS uniqueness FROM sources WHERE rows IS NOT NULL GROUP BY ALL),
    parts AS (SELECT d.symbol, make_date(1970, 1, 1) + d.day::INTEGER AS day, d.n::BIGINT AS rows, completeness::DOUBLE AS completeness, ${share('validity')}, ${share('consistency')},
      least(1, coalesce(daily.uniqueness, monthly.uniqueness))::DOUBLE AS uniqueness,
      CASE WHEN ${isLive} AND d.day = e.last_of // ${US_PER_DAY} AND e.last_of >= e.last_of_all - ${staleUs} THEN (e.last_of >= ${nowUs - staleUs})::INTEGER::DOUBLE END AS timeliness, ${share('accuracy')}
      FROM days d LEFT JOIN tallies t USING (symbol, day) JOIN ends e USING (symbol)
      LEFT JOIN objects daily ON daily.symbol = d.symbol AND daily.date = strftime(make_date(1970, 1, 1) + d.day::INTEGER, '%Y-%m-%d')
      LEFT JOIN objects monthly ON monthly.symbol = d.symbol AND monthly.date = strftime(make_date(1970, 1, 1) + d.day::INTEGER, '%Y-%m'))
    SELECT symbol, day, rows, round(100 * (${DIMENSIONS.map((part) => `${weights[part]} * coalesce(${part}, 0)`).join(' + ')}) / (${DIMENSIONS.map(weight).join(' + ')}), 2) AS score,
      ${DIMENSIONS.join(', ')} FROM parts ORDER BY symbol, day`)
}

function findingsSql(table: string): string {
  const rules = Object.entries(RULES).map(
    ([id, { severity, dimension, meaning }]) => `(${[id, severity, dimension, meaning].map(quote).join(', ')})`,
  )
  return `SELECT ${quote(table)} AS table_name, symbol, check_id, severity, dimension, make_timestamptz(from_us) AS from_time, make_timestamptz(to_us) AS to_time, row_count, explanation || coalesce(': ' || detail, '') AS explanation, score, context
    FROM found JOIN (VALUES ${rules.join(', ')}) AS told(check_id, severity, dimension, explanation) USING (check_id) ORDER BY symbol, from_time, check_id`
}

async function summary({ session }: WriteDeps, table: string): Promise<Assessment> {
  const [totals = {}] = await session.rows(
    `SELECT coalesce(sum(rows), 0)::BIGINT AS rows, count(*) AS days, avg(score) AS score, ${DIMENSIONS.map((part) => `avg(${part}) AS ${part}`).join(', ')} FROM scores`,
  )
  const number = (name: string) => (totals[name] === null || totals[name] === undefined ? null : Number(totals[name]))
  const found =
    await session.rows(`SELECT check_id, symbol, from_us, to_us, row_count, detail, count(*) OVER by_check AS stretches, sum(row_count) OVER by_check::BIGINT AS total FROM found
    WINDOW by_check AS (PARTITION BY check_id) QUALIFY row_number() OVER (PARTITION BY check_id ORDER BY symbol, from_us) <= ${LISTED} ORDER BY check_id, symbol, from_us`)
  const findings: Finding[] = []
  for (const row of found) {
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
        wholeFinding(table, id, severity, Number(row['total']), `${row['stretches']} in all, the first ${LISTED} are listed: ${meaning}`),
      )
  }
  const parts = Object.fromEntries(DIMENSIONS.map((part) => [part, number(part)])) as Record<Dimension, number | null>
  return { table, rows: Number(totals['rows']), days: Number(totals['days']), score: number('score'), parts, findings }
}
