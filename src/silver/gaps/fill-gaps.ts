import { formatInstant, PLAUSIBLE_TIME, US_PER_DAY } from '../../core/time.ts'
import { periodOf } from '../../lake/iceberg/transform.ts'
import type { Lake } from '../../lake/lake.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { contractOf, isBars, type Series, silverTableName } from '../../sources/series.ts'
import { transformOf } from '../build/inputs.ts'
import type { Cause } from './causes.ts'
import { type FillMethod, METHOD_OF_CAUSE } from './fill-methods.ts'
import { type FillStep, filledFiles, formerFills, recordFills } from './fill-record.ts'
import { type CausedGaps, causedGaps, type GapOptions } from './find-gaps.ts'
import { type LackingRows, RowMaker } from './row-maker.ts'

export type FillReport = {
  /** Sorted by symbol, gap and method. */
  readonly steps: readonly FillStep[]
  readonly rowsFilled: number
  /** Bytes of data files read to make rows. */
  readonly bytesRead: number
}

export type FillOptions = GapOptions & {
  /** If false, only the plan is made and nothing is written. */
  readonly write: boolean
  /** Also carries the last close forward when no other method works. */
  readonly synthetic: boolean
}

/** How many bars one request returns. */
const BARS_PER_REQUEST = 1000

/**
 * Plans how to fill the gaps of a table of bars, and with `write` fills them. Filled rows have the `source` `derived` or `synthetic`; published rows never
 * change. silver.fills records the filled and the open gaps. Throws TABLE_NOT_FOUND, COMMIT_CONFLICT when another run changed the table meanwhile.
 */
export async function fillGaps(lake: Lake, series: Series, options: FillOptions): Promise<FillReport> {
  return await fill(lake, series, options, `SELECT true AS is_decided, ${options.synthetic} AS is_synthetic`, false)
}

/**
 * Fills gaps again whose filled rows are gone, because their partition was built again. This is cheap if no rows are missing: recorded and existing rows are counted
 * from metadata.
 */
export async function refillGaps(
  lake: Lake,
  series: Series,
  options: Omit<GapOptions, 'range' | 'symbols' | 'limit'>,
): Promise<FillReport | undefined> {
  const name = silverTableName(series)
  const former = await formerFills(lake, name)
  if (former === undefined) return undefined
  const [{ n } = {}] = await lake.session.rows(`SELECT coalesce(sum(row_count), 0)::BIGINT AS n FROM (${former}) WHERE status = 'filled'`)
  let held = 0
  for (const file of await filledFiles(lake, name)) held += file.rows
  if (Number(n) === held) return undefined
  const decided = `SELECT bool_or(true) AS is_decided, bool_or(method = 'synthetic') AS is_synthetic FROM (${former}) f WHERE status = 'filled' AND f.symbol = g.symbol AND us >= f.s AND us < f.e`
  return await fill(lake, series, { ...options, range: undefined, symbols: 'true', limit: 0, write: true, synthetic: false }, decided, true)
}

async function fill(lake: Lake, series: Series, options: FillOptions, decided: string, again: boolean): Promise<FillReport> {
  const { session } = lake
  const step = contractOf(series).cadence(series.interval)
  await using caused = await causedGaps(lake, series, options)
  if (step === undefined || caused === undefined) return { steps: [], rowsFilled: 0, bytesRead: 0 }
  await using maker = await RowMaker.begin(lake, series, step)
  const reach = options.synthetic || again ? [PLAUSIBLE_TIME] : await maker.reach()
  // Missing bars are listed one by one only for times that another table may have.
  const [from, to] = ['s + greatest(0, (r.start - s + STEP - 1) // STEP) * STEP', 'least(e, r.past)'].map((sql) =>
    sql.replaceAll('STEP', String(step)),
  )
  await using lacking: LackingRows = await Relation.of(
    session,
    ['symbol', 's', 'e', 'cause', 'us', 'is_synthetic'],
    `SELECT g.symbol, g.s, g.e, g.cause, us, d.is_synthetic FROM (
      SELECT symbol, s, e, c.cause AS cause, unnest(range(${from}, ${to}, ${step})) AS us FROM ${caused} JOIN (VALUES ${reach.map(({ start, end }) => `(${start}::BIGINT, ${end}::BIGINT)`).join(', ') || '(0::BIGINT, 0::BIGINT)'}) AS r(start, past) ON s < r.past AND e > r.start
      WHERE c.cause NOT IN ('not_listed', 'delisted')) g, LATERAL (${decided}) d WHERE d.is_decided`,
  )
  const days = await session.rows(`SELECT DISTINCT us // ${US_PER_DAY} AS day FROM ${lacking} ORDER BY day`)
  const partitions = new Set(days.map(({ day }) => periodOf(transformOf(series), Number(day) * US_PER_DAY)))
  for (const partition of partitions) await maker.make(partition, lacking, caused)
  const steps = await listSteps(lake, series, options, maker.made, caused)
  const rowsFilled = steps.reduce((sum, one) => sum + (one.status === 'filled' ? one.rows : 0), 0)
  // The record is written before the rows: if the run is killed between the two, the next run adds the rows.
  if (options.write) await recordFills(lake, series, steps, again)
  if (options.write) for (const partition of partitions) await maker.commit(partition)
  return { steps, rowsFilled, bytesRead: maker.bytesRead }
}

/** The rows that were made, and for the rest of each gap where to find the rows. */
async function listSteps(
  lake: Lake,
  series: Series,
  { write }: FillOptions,
  made: Relation<string>,
  caused: CausedGaps,
): Promise<FillStep[]> {
  const { session } = lake
  const causes = Object.entries(METHOD_OF_CAUSE).map(([cause, method]) => `(${quote(cause)}, ${quote(method)})`)
  const rows =
    await session.rows(`WITH made_of AS (SELECT symbol, s, e, method, source_object AS source, count(*) AS n FROM ${made} GROUP BY ALL),
    sums AS (SELECT symbol, s, e, sum(n)::BIGINT AS made FROM made_of GROUP BY ALL),
    rest AS (SELECT symbol, s, e, g.c.cause AS cause, (e - s) // ${contractOf(series).cadence(series.interval)} - coalesce(made, 0) AS n FROM ${caused} g LEFT JOIN sums USING (symbol, s, e)
      WHERE g.c.cause NOT IN ('not_listed', 'delisted') AND (e - s) // ${contractOf(series).cadence(series.interval)} > coalesce(made, 0))
    SELECT m.*, g.c.cause AS cause, true AS is_made FROM made_of m JOIN ${caused} g USING (symbol, s, e)
    UNION ALL BY NAME SELECT symbol, s, e, method, NULL AS source, n, r.cause, false AS is_made FROM rest r JOIN (VALUES ${causes.join(', ')}) AS v(cause, method) USING (cause)
    ORDER BY symbol, s, method`)
  return rows.map((row) => {
    const [made, found] = [row['is_made'] === true, String(row['method']) as FillMethod]
    // The REST interface returns only bars of past years.
    const method = found === 'api' && !isBars(series) ? 'none' : found
    const n = Number(row['n'])
    return {
      table: `silver.${silverTableName(series)}`,
      symbol: String(row['symbol']),
      gapStart: formatInstant(Number(row['s'])),
      gapEnd: formatInstant(Number(row['e'])),
      cause: String(row['cause']) as Cause,
      method,
      source: made ? String(row['source']) : null,
      rows: n,
      requests: method === 'api' ? Math.ceil(n / BARS_PER_REQUEST) : 0,
      status: made ? (write ? 'filled' : 'planned') : method === 'none' ? 'unfillable' : 'open',
    }
  })
}
