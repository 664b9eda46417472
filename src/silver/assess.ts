import { DATASETS, type Series, seriesOf, silverTableName } from '../core/datasets/registry.ts'
import { type Finding, type Severity, wholeFinding } from '../core/finding.ts'
import { formatInstant, US_PER_DAY } from '../core/time.ts'
import type { DataFile } from '../lake/iceberg/manifest.ts'
import { planScan } from '../lake/iceberg/scan.ts'
import { periodRange, type TableShape } from '../lake/iceberg/schema.ts'
import { liveFiles, loadTable, required, snapshotOf } from '../lake/iceberg/table.ts'
import { tableKey } from '../lake/layout.ts'
import { foldLedger } from '../lake/ledger/fold.ts'
import { scanSql } from '../lake/scan-sql.ts'
import { listTables } from '../lake/tables.ts'
import { deletePartitions, type WriteDeps, writeRows } from '../lake/write-rows.ts'
import { quote } from '../platform/duckdb/session.ts'
import { findEntry } from '../sources/binance/matrix.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { DETECTORS } from './anomalies/registry.ts'
import { DetectorRun, isDetectable } from './anomalies/run-detectors.ts'
import { DIMENSIONS, type Dimension } from './checks/check.ts'
import { CROSS_CHECKS, compareWithFiner, compareWithTrades, finerSeries, within } from './checks/cross-bars.ts'
import { CHECKS } from './checks/registry.ts'
import { CheckRun, checkById } from './checks/run-checks.ts'
import { transformOf } from './inputs.ts'

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

const text = (name: string) => ({ name, type: 'string' as const })
const whole = (name: string) => ({ name, type: 'long' as const })
const time = (name: string) => ({ name, type: 'timestamptz' as const })
const real = (name: string) => ({ name, type: 'double' as const })

function shape(
  fields: readonly { name: string; type: 'string' | 'long' | 'timestamptz' | 'double' | 'date' }[],
  sort: readonly string[],
): TableShape {
  return {
    fields: fields.map((field, index) => ({ id: index + 1, required: false, ...field })),
    partition: [{ source: 'table_name', transform: 'identity', name: 'table_name', fieldId: 1000 }],
    sort,
  }
}

const FINDINGS_SHAPE = shape(
  [
    text('table_name'),
    text('symbol'),
    text('check_id'),
    text('severity'),
    text('dimension'),
    time('from_time'),
    time('to_time'),
    whole('row_count'),
    text('explanation'),
  ],
  ['symbol', 'from_time', 'check_id'],
)

const QUALITY_SHAPE = shape(
  [text('table_name'), text('symbol'), { name: 'day', type: 'date' }, whole('rows'), real('score'), ...DIMENSIONS.map(real)],
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
  await run.begin(await scanSql(table, table.shape, []))
  const partitions = new Map<number, DataFile[]>()
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) {
    const period = Number(file.partition[0])
    partitions.set(period, [...(partitions.get(period) ?? []), file])
  }
  const inOrder = [...partitions].sort(([a], [b]) => a - b).map(([, files]) => files)
  for (const files of inOrder) await run.add(await scanSql(table, table.shape, files))
  await compareBars(deps, series, partitions)
  const detectors = new DetectorRun(session, series)
  if (isDetectable(series)) for (const files of inOrder) await detectors.add(await scanSql(table, table.shape, files))
  await score(deps, series, options)
  await replaceRows(deps, 'findings', `silver.${name}`, FINDINGS_SHAPE, findingsSql(`silver.${name}`))
  await replaceRows(deps, 'quality', `silver.${name}`, QUALITY_SHAPE, `SELECT ${quote(`silver.${name}`)} AS table_name, * FROM scores`)
  return await summary(deps, `silver.${name}`)
}

/** Holds klines against finer ones, and against trades, where the lake has them; partition by partition. */
async function compareBars(
  { store, session }: WriteDeps,
  series: Series,
  partitions: ReadonlyMap<number, readonly DataFile[]>,
): Promise<void> {
  const { dataset, market, interval } = series
  const there = (await listTables(store, 'silver')).map(seriesOf).filter((one) => one !== undefined)
  const finer = finerSeries(series, there)
  const trades = there.find((one) => dataset === 'klines' && interval === '1m' && one.market === market && one.dataset === 'trades')
  for (const [period, files] of finer === undefined && trades === undefined ? [] : partitions) {
    const range = periodRange(transformOf(series), period)
    const table = required(await loadTable(store, tableKey('silver', silverTableName(series))), silverTableName(series))
    const bars = await scanSql(table, table.shape, files)
    if (finer !== undefined) await compareWithFiner(session, series, bars, finer, await rowsWithin(store, finer, range))
    if (trades !== undefined) await compareWithTrades(session, series, bars, await rowsWithin(store, trades, range))
  }
}

/** The rows of a table in a stretch of time, µs, as SQL. */
async function rowsWithin(store: ObjectStore, series: Series, { start, end }: { start: number; end: number }): Promise<string> {
  const { eventTime } = DATASETS[series.dataset]
  const table = required(await loadTable(store, tableKey('silver', silverTableName(series))), silverTableName(series))
  const { files } = await planScan(table, snapshotOf(table, undefined), [
    { column: eventTime, op: '>=', value: start },
    { column: eventTime, op: '<', value: end },
  ])
  return within(await scanSql(table, table.shape, files), series, { start, end })
}

/** What the ledger knows of the objects that a table was made of, told beside the rules for rows. */
const LEDGER_CHECKS = {
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

const ANOMALIES = Object.fromEntries(
  DETECTORS.map(({ id, meaning }) => [id, { severity: 'info', dimension: 'accuracy', meaning }] as const),
)

const OTHER_CHECKS: Readonly<Record<string, { severity: Severity; dimension: Dimension; meaning: string }>> = {
  ...LEDGER_CHECKS,
  ...CROSS_CHECKS,
  ...ANOMALIES,
}

/** Scores by symbol and day, and what the ledger knows, into `scores` and `found`. */
async function score({ session }: WriteDeps, series: Series, { weights, staleUs, nowUs }: QualityOptions): Promise<void> {
  const isLive = findEntry(series.market, series.dataset)?.discontinued === undefined
  const us = DATASETS[series.dataset].cadence(series.interval)
  // Where rows come in a fixed step a day's number is known, but for the days at which a symbol begins and ends; days without a row count as well.
  const isStepped = us !== undefined && us < US_PER_DAY
  await session.run(`CREATE OR REPLACE TEMP TABLE sources AS
    SELECT source_object AS key, regexp_extract(source_object, '/([^/]+)-[^/-]+-\\d{4}-\\d{2}(?:-\\d{2})?\\.zip$', 1) AS symbol,
      regexp_extract(source_object, '-(\\d{4}-\\d{2}(?:-\\d{2})?)\\.zip$', 1) AS date, kept.n, d.rows, d.rejected, d.sorted, d.unused
    FROM (SELECT source_object, sum(n) AS n FROM kept GROUP BY ALL) kept
    LEFT JOIN (SELECT key, arg_max(rows, ("at", run, n)) AS rows, arg_max(rejected, ("at", run, n)) AS rejected, arg_max(sorted, ("at", run, n)) AS sorted, arg_max(unused, ("at", run, n)) AS unused FROM ledger WHERE event = 'decoded' GROUP BY key) d ON d.key = source_object`)
  const known = {
    duplicate_rows: 'rows - n',
    rejected_rows: 'rejected',
    unused_column: 'unused',
    unsorted_file: 'CASE WHEN NOT sorted THEN rows END',
  } as const satisfies Record<keyof typeof LEDGER_CHECKS, string>
  for (const [check, count] of Object.entries(known))
    await session.run(`INSERT INTO found BY NAME SELECT ${quote(check)} AS check_id, symbol, epoch_us(start) AS from_us, epoch_us(start + CASE WHEN length(date) = 7 THEN INTERVAL 1 MONTH ELSE INTERVAL 1 DAY END) AS to_us, (${count})::BIGINT AS row_count
      FROM (SELECT *, (CASE WHEN length(date) = 7 THEN date || '-01' ELSE date END)::TIMESTAMP AS start FROM sources) WHERE (${count}) > 0`)
  const days = isStepped
    ? `SELECT symbol, day, coalesce(n, 0) AS n, least(1, coalesce(n, 0) / ((least((day + 1) * ${US_PER_DAY}, last_of + ${us}) - greatest(day * ${US_PER_DAY}, first_of)) // ${us})) AS completeness
       FROM (SELECT symbol, min(first_us) AS first_of, max(last_us) AS last_of, unnest(range(min(day), max(day) + 1)) AS day FROM tallies GROUP BY symbol) LEFT JOIN tallies_by_day USING (symbol, day)`
    : 'SELECT symbol, day, n, n / (n + missing) AS completeness FROM tallies_by_day'
  const bad = DIMENSIONS.map((part) => `sum(bad_${part}) AS bad_${part}`).join(', ')
  await session.run(
    `CREATE OR REPLACE TEMP TABLE tallies_by_day AS SELECT symbol, day, sum(n) AS n, sum(missing) AS missing, ${bad} FROM tallies GROUP BY ALL`,
  )
  const share = (part: Dimension) => `CASE WHEN t.n > 0 THEN 1 - t.bad_${part} / t.n END AS ${part}`
  const weight = (part: Dimension) => `CASE WHEN ${part} IS NULL THEN 0 ELSE ${weights[part]} END`
  await session.run(`CREATE OR REPLACE TEMP TABLE scores AS
    WITH days AS (${days}), ends AS (SELECT symbol, max(last_us) AS last_of, max(max(last_us)) OVER () AS last_of_all FROM tallies GROUP BY symbol),
    objects AS (SELECT symbol, date, sum(n) / greatest(sum(rows), 1) AS uniqueness FROM sources WHERE rows IS NOT NULL GROUP BY ALL),
    parts AS (SELECT d.symbol, make_date(1970, 1, 1) + d.day::INTEGER AS day, d.n::BIGINT AS rows, completeness::DOUBLE AS completeness, ${share('validity')}, ${share('consistency')},
      least(1, coalesce(daily.uniqueness, monthly.uniqueness))::DOUBLE AS uniqueness,
      CASE WHEN ${isLive} AND d.day = e.last_of // ${US_PER_DAY} AND e.last_of >= e.last_of_all - ${staleUs} THEN (e.last_of >= ${nowUs - staleUs})::INTEGER::DOUBLE END AS timeliness, ${share('accuracy')}
      FROM days d LEFT JOIN tallies_by_day t USING (symbol, day) JOIN ends e USING (symbol)
      LEFT JOIN objects daily ON daily.symbol = d.symbol AND daily.date = strftime(make_date(1970, 1, 1) + d.day::INTEGER, '%Y-%m-%d')
      LEFT JOIN objects monthly ON monthly.symbol = d.symbol AND monthly.date = strftime(make_date(1970, 1, 1) + d.day::INTEGER, '%Y-%m'))
    SELECT symbol, day, rows, round(100 * (${DIMENSIONS.map((part) => `${weights[part]} * coalesce(${part}, 0)`).join(' + ')}) / (${DIMENSIONS.map(weight).join(' + ')}), 2) AS score,
      ${DIMENSIONS.join(', ')} FROM parts ORDER BY symbol, day`)
}

function findingsSql(table: string): string {
  return `SELECT ${quote(table)} AS table_name, symbol, check_id, severity, dimension, make_timestamptz(from_us) AS from_time, make_timestamptz(to_us) AS to_time, row_count, explanation || coalesce(': ' || detail, '') AS explanation
    FROM found JOIN (VALUES ${told().join(', ')}) AS told(check_id, severity, dimension, explanation) USING (check_id) ORDER BY symbol, from_time, check_id`
}

function told(): string[] {
  const rules = [...CHECKS, ...Object.entries(OTHER_CHECKS).map(([id, rule]) => ({ id, ...rule }))]
  return rules.map(({ id, severity, dimension, meaning }) => `(${[id, severity, dimension, meaning].map(quote).join(', ')})`)
}

/** Puts rows in the place of what a table of ours holds of `subject`. */
async function replaceRows(
  deps: WriteDeps,
  name: 'findings' | 'quality',
  subject: string,
  rowShape: TableShape,
  sql: string,
): Promise<void> {
  const root = tableKey('silver', name)
  const { rows } = await writeRows(deps, root, sql, { mode: 'overwrite', shape: rowShape })
  if (rows === 0 && (await loadTable(deps.store, root)) !== undefined)
    await deletePartitions(deps, root, (file) => file.partition[0] === subject)
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
    const { severity, meaning } = checkById(id) ?? OTHER_CHECKS[id] ?? { severity: 'info' as const, meaning: id }
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
