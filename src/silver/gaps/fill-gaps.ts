import { rm } from 'node:fs/promises'
import { LakehouseError } from '../../core/errors.ts'
import { union } from '../../core/ranges.ts'
import { formatInstant, PLAUSIBLE_TIME, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { dataFileKey } from '../../lake/iceberg/partition-folder.ts'
import { periodRange } from '../../lake/iceberg/schema.ts'
import { liveFiles, loadTable, required, snapshotOf, urlOf } from '../../lake/iceberg/table.ts'
import { periodOf } from '../../lake/iceberg/transform.ts'
import { tableKey } from '../../lake/layout.ts'
import { CommitQueue, filesByPartition } from '../../lake/tables/commit-queue.ts'
import { writeDataFile } from '../../lake/tables/data-file.ts'
import { listTables } from '../../lake/tables/list-tables.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import type { WriteDeps } from '../../lake/tables/write-rows.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import {
  barNames,
  columnNames,
  contractOf,
  isBars,
  isOfSameMarket,
  isSingleTrades,
  isTradedBars,
  type Series,
  seriesOf,
  silverColumns,
  silverTableName,
  tradedNames,
} from '../../sources/series.ts'
import { transformOf } from '../build/inputs.ts'
import { rowsOf } from '../event-times.ts'
import { barsOfFiner, barsOfTrades, everyFiner } from '../quality/made-bars.ts'
import { replaceRows, reportShape } from '../quality/report-shape.ts'
import type { Cause } from './causes.ts'
import { type FillMethod, METHOD_OF_CAUSE } from './fill-methods.ts'
import { FILLED_PREFIX, isFilled } from './filled.ts'
import { findGaps, type GapOptions } from './find-gaps.ts'

/** Whenever there may be data. */
const EVERYWHEN: TimeRange = PLAUSIBLE_TIME

/** What becomes of rows of one gap. `rows` of the gap are had by `method`: from `source`, where it is a table; at the cost of `requests`, where it is the interface. */
type FillStep = {
  readonly table: string
  readonly symbol: string
  readonly gapStart: string
  readonly gapEnd: string
  readonly cause: Cause
  readonly method: FillMethod
  readonly source: string | null
  readonly rows: number
  readonly requests: number
  readonly status: 'planned' | 'filled' | 'open' | 'unfillable'
}

export type FillReport = {
  /** In the order of symbols, gaps and methods. */
  readonly steps: readonly FillStep[]
  readonly rowsFilled: number
  /** Bytes of data files that were read to make rows. */
  readonly bytesRead: number
}

export type FillOptions = GapOptions & {
  /** Without it nothing changes: the plan alone. */
  readonly write: boolean
  /** Also carries the last close on where nothing else is had. */
  readonly synthetic: boolean
}

/** So many bars come with one request. */
const BARS_PER_REQUEST = 1000

const FILLS = reportShape(
  {
    symbol: 'string',
    from_time: 'timestamptz',
    to_time: 'timestamptz',
    cause: 'string',
    method: 'string',
    source_object: 'string',
    row_count: 'long',
    status: 'string',
  },
  ['symbol', 'from_time', 'method'],
)

/** A stretch that somebody has decided to fill. */
const DECIDED = `SELECT symbol, epoch_us(from_time) AS s, epoch_us(to_time) AS e, cause, method, source_object, row_count, status FROM`

/**
 * Plans how the gaps of a table of bars are filled, and with `write` fills them: rows whose `source` says `derived` (or `synthetic`), beside those that were published, which never
 * change. What was filled, and what cannot be, is kept in silver.fills. Throws TABLE_NOT_FOUND, COMMIT_CONFLICT when another run changed the table meanwhile.
 */
export async function fillGaps(deps: WriteDeps, series: Series, options: FillOptions): Promise<FillReport> {
  return await fill(deps, series, options, `SELECT true AS is_decided, ${options.synthetic} AS is_synthetic`, false)
}

/**
 * Fills again what was filled before and is not there any more, because its partition was made anew. Cheap where nothing is lacking: recorded and present rows are counted in
 * metadata.
 */
export async function refillGaps(
  deps: WriteDeps,
  series: Series,
  options: Omit<GapOptions, 'range' | 'symbols' | 'limit'>,
): Promise<FillReport | undefined> {
  const name = silverTableName(series)
  const former = await formerFills(deps, name)
  if (former === undefined) return undefined
  const [{ n } = {}] = await deps.session.rows(`SELECT coalesce(sum(row_count), 0)::BIGINT AS n FROM (${former}) WHERE status = 'filled'`)
  let held = 0
  for (const file of await filledFiles(deps, name)) held += file.rows
  if (Number(n) === held) return undefined
  const decided = `SELECT bool_or(true) AS is_decided, bool_or(method = 'synthetic') AS is_synthetic FROM (${former}) f WHERE status = 'filled' AND f.symbol = g.symbol AND us >= f.s AND us < f.e`
  return await fill(deps, series, { ...options, range: undefined, symbols: 'true', limit: 0, write: true, synthetic: false }, decided, true)
}

async function fill(deps: WriteDeps, series: Series, options: FillOptions, decided: string, again: boolean): Promise<FillReport> {
  const { session } = deps
  const step = contractOf(series).cadence(series.interval)
  await findGaps(deps, series, options)
  if (step === undefined) return { steps: [], rowsFilled: 0, bytesRead: 0 }
  const maker = new RowMaker(deps, series, step)
  await maker.begin()
  const reach = options.synthetic || again ? [EVERYWHEN] : await maker.reach()
  // Missing bars are written out one by one only where another table may have something for them.
  const [from, to] = ['s + greatest(0, (r.start - s + STEP - 1) // STEP) * STEP', 'least(e, r.past)'].map((sql) =>
    sql.replaceAll('STEP', String(step)),
  )
  await session.run(`CREATE OR REPLACE TEMP TABLE lacking AS SELECT g.symbol, g.s, g.e, g.cause, us, d.is_synthetic FROM (
      SELECT symbol, s, e, c.cause AS cause, unnest(range(${from}, ${to}, ${step})) AS us FROM caused JOIN (VALUES ${reach.map(({ start, end }) => `(${start}::BIGINT, ${end}::BIGINT)`).join(', ') || '(0::BIGINT, 0::BIGINT)'}) AS r(start, past) ON s < r.past AND e > r.start
      WHERE c.cause NOT IN ('not_listed', 'delisted')) g, LATERAL (${decided}) d WHERE d.is_decided`)
  const days = await session.rows(`SELECT DISTINCT us // ${US_PER_DAY} AS day FROM lacking ORDER BY day`)
  const partitions = new Set(days.map(({ day }) => periodOf(transformOf(series), Number(day) * US_PER_DAY)))
  for (const partition of partitions) await maker.make(partition)
  const steps = await listSteps(deps, series, options)
  const rowsFilled = steps.reduce((sum, one) => sum + (one.status === 'filled' ? one.rows : 0), 0)
  // First what is to be, then the rows: a run that is killed between the two leaves what the next one makes good.
  if (options.write) await record(deps, series, steps, again)
  if (options.write) for (const partition of partitions) await maker.commit(partition)
  return { steps, rowsFilled, bytesRead: maker.bytesRead }
}

/** Makes rows that are lacking into the temporary table `made`, one partition after the other. */
class RowMaker {
  readonly #deps: WriteDeps
  readonly #series: Series
  readonly #step: number
  readonly #name: string
  bytesRead = 0
  #there: readonly Series[] = []

  constructor(deps: WriteDeps, series: Series, step: number) {
    this.#deps = deps
    this.#series = series
    this.#step = step
    this.#name = silverTableName(series)
  }

  async begin(): Promise<void> {
    const { store, session } = this.#deps
    this.#there = (await listTables(store, 'silver')).map(seriesOf).filter((one) => one !== undefined)
    const table = required(await loadTable(store, tableKey('silver', this.#name)), this.#name)
    await session.run(
      `CREATE OR REPLACE TEMP TABLE made AS SELECT *, ''::VARCHAR AS method, 0::BIGINT AS s, 0::BIGINT AS e FROM (${await scanSql(session, table, table.shape, [])})`,
    )
  }

  /** The times of which any table has rows that bars may be made of, as the bounds of their files tell. */
  async reach(): Promise<TimeRange[]> {
    const ranges: TimeRange[] = []
    for (const source of [...everyFiner(this.#series, this.#there), ...this.#trades()]) {
      const table = required(await loadTable(this.#deps.store, tableKey('silver', silverTableName(source))), silverTableName(source))
      const id = table.shape.fields.find(({ name }) => name === contractOf(source).eventTime)?.id ?? 0
      for await (const { lower, upper } of liveFiles(table, snapshotOf(table, undefined)))
        ranges.push({ start: Number(lower.get(id) ?? EVERYWHEN.start) - this.#step, end: Number(upper.get(id) ?? EVERYWHEN.end) + 1 })
    }
    return union(ranges)
  }

  /** The table of single trades of the market, for bars of what was traded; none or one. */
  #trades(): Series[] {
    const series = this.#series
    return isTradedBars(series) ? this.#there.filter((one) => isSingleTrades(one) && isOfSameMarket(one, series)) : []
  }

  async make(partition: number): Promise<void> {
    const series = this.#series
    const range = periodRange(transformOf(series), partition)
    for (const finer of everyFiner(series, this.#there)) {
      const bars = barsOfFiner(series, finer, await this.#rows(finer, range))
      await this.#take(range, bars, {
        method: 'finer_bars',
        source: `silver.${silverTableName(finer)}`,
        closeTime: `b.${barNames(series).close_time}`,
      })
    }
    for (const trades of this.#trades()) for (const days of await this.#daysAround(range)) await this.#takeTrades(trades, days, range)
    await this.#takeSynthetic(range)
  }

  /** Trades prove a bar when the one before its first and the one after its last are there too. */
  async #takeTrades(trades: Series, days: TimeRange, range: TimeRange): Promise<void> {
    const { session } = this.#deps
    const rows = await this.#rows(trades, days)
    await session.run(`CREATE OR REPLACE TEMP TABLE trade_rows AS SELECT * FROM (${rows}) WHERE symbol IN (SELECT symbol FROM lacking)`)
    const { sequence } = columnNames(trades, 'sequence')
    const beside = (id: string) => `EXISTS (SELECT 1 FROM trade_rows t WHERE t.symbol = m.symbol AND t.${sequence} = ${id})`
    const proven = `SELECT * FROM (${barsOfTrades(this.#series, trades, 'FROM trade_rows')}) m WHERE ${beside('m.first_id - 1')} AND ${beside('m.last_id + 1')}`
    const closeTime = `make_timestamptz(l.us + ${this.#step - 1000})`
    await this.#take(range, proven, { method: 'trades', source: `silver.${silverTableName(trades)}`, closeTime })
    await session.run('DROP TABLE trade_rows')
  }

  async #takeSynthetic(range: TimeRange): Promise<void> {
    if (!isTradedBars(this.#series)) return
    const { session } = this.#deps
    const [lacking] = await session.rows(`SELECT min(us) AS first, max(us) AS last FROM lacking WHERE is_synthetic AND ${within(range)}`)
    if (lacking === undefined || lacking['first'] === null) return
    const { event_time: time, open, high, low, close } = barNames(this.#series)
    const nothing = Object.values(tradedNames(this.#series)).map((name) => `0 AS ${name}`)
    const from = await session.rows(`SELECT min(previous_us) AS us FROM caused WHERE s < ${range.end} AND e > ${range.start}`)
    const before = await this.#rows(this.#series, { start: Number(from[0]?.['us'] ?? range.start), end: range.end })
    const flat = [open, high, low, close].map((name) => `p.last AS ${name}`)
    const bars = `SELECT l.symbol, make_timestamptz(l.us) AS ${time}, ${[...flat, ...nothing].join(', ')} FROM (SELECT * FROM lacking WHERE is_synthetic AND ${within(range)}) l
      ASOF JOIN (SELECT symbol, epoch_us(${time}) AS us, ${close} AS last FROM (${before}) UNION ALL SELECT symbol, epoch_us(${time}), ${close} FROM made) p ON p.symbol = l.symbol AND l.us > p.us`
    await this.#take(range, bars, { method: 'synthetic', source: 'synthetic', closeTime: `make_timestamptz(l.us + ${this.#step - 1000})` })
  }

  /** Takes those bars that are lacking and were not made before. */
  async #take(
    range: TimeRange,
    bars: string,
    { method, source, closeTime }: { method: FillMethod; source: string; closeTime: string },
  ): Promise<void> {
    const { event_time: time, close_time: end } = barNames(this.#series)
    const given = silverColumns(this.#series).map(({ name }) => {
      if (name === end) return `${closeTime} AS ${end}`
      if (name === 'source') return `${quote(method === 'synthetic' ? 'synthetic' : 'derived')} AS source`
      return name === 'source_object' ? `${quote(source)} AS source_object` : `b.${quoteName(name)}`
    })
    await this.#deps.session.run(`INSERT INTO made BY NAME SELECT ${given.join(', ')}, ${quote(method)} AS method, l.s, l.e
      FROM (SELECT * FROM lacking WHERE ${within(range)}) l JOIN (${bars}) b ON b.symbol = l.symbol AND epoch_us(b.${time}) = l.us
      ANTI JOIN made m ON m.symbol = b.symbol AND m.${time} = b.${time}`)
  }

  async #rows(series: Series, range: TimeRange): Promise<string> {
    const { sql, bytes } = await (await rowsOf(this.#deps, series))(range)
    this.bytesRead += bytes
    return sql
  }

  /** The days of what is still lacking, each with the one before and the one after. */
  async #daysAround(range: TimeRange): Promise<TimeRange[]> {
    const { eventTime } = contractOf(this.#series)
    const days = await this.#deps.session.rows(`SELECT DISTINCT us // ${US_PER_DAY} AS day FROM lacking l WHERE ${within(range)}
      AND NOT EXISTS (SELECT 1 FROM made m WHERE m.symbol = l.symbol AND epoch_us(m.${eventTime}) = l.us)`)
    return union(days.map(({ day }) => ({ start: (Number(day) - 1) * US_PER_DAY, end: (Number(day) + 2) * US_PER_DAY })))
  }

  /** Puts what was made for a partition, and what filled it before, into one file beside those of bronze. */
  async commit(partition: number): Promise<void> {
    const { store, session, commits, run } = this.#deps
    const { eventTime, key, parquet } = contractOf(this.#series)
    const transform = transformOf(this.#series)
    const root = tableKey('silver', this.#name)
    const table = required(await loadTable(store, root), root)
    const { shape } = table
    const range = periodRange(transform, partition)
    const fresh = `FROM made WHERE epoch_us(${quoteName(eventTime)}) >= ${range.start} AND epoch_us(${quoteName(eventTime)}) < ${range.end}`
    const [{ n } = {}] = await session.rows(`SELECT count(*) AS n ${fresh}`)
    if (Number(n) === 0) return
    const live = (await filesByPartition(table)).get(partition) ?? []
    const former = live.filter(isFilled)
    const columns = shape.fields.map(({ name }) => quoteName(name)).join(', ')
    const query = `SELECT ${columns} FROM (SELECT ${columns} ${fresh} UNION ALL ${await scanSql(session, table, shape, former)}) ORDER BY ${key.map(quoteName).join(', ')}`
    const keyFor = (name: string) => dataFileKey(root, shape.partition, [partition], name)
    const temporary = await store.files.draft(keyFor('x.parquet'))
    try {
      const written = await writeDataFile(session, query, shape.fields, temporary, parquet)
      const [{ digest } = {}] = await session.rows(`SELECT sha256(content) AS digest FROM read_blob(${quote(temporary)})`)
      const path = urlOf(store, keyFor(`${FILLED_PREFIX}${String(digest).slice(0, 33)}.parquet`))
      const queue = new CommitQueue({ store, root, shape, deps: commits, run })
      const file = { ...written, path, specId: table.metadata['default-spec-id'], partition: [partition] }
      const seen = new Set(live.map((one) => one.path))
      const remove = new Set(former.map((one) => one.path))
      if ((await queue.submit({ partition, seen, remove, add: [{ temporary, file }] })) === 'conflict')
        throw new LakehouseError(
          'COMMIT_CONFLICT',
          `silver.${this.#name} was changed by another run while its gaps were filled: fill them again`,
          {
            details: { table: `silver.${this.#name}` },
          },
        )
    } finally {
      await rm(temporary, { force: true })
    }
  }
}

function within({ start, end }: TimeRange): string {
  return `us >= ${start} AND us < ${end}`
}

/** What was made, and for the rest of each gap where to look. */
async function listSteps({ session }: WriteDeps, series: Series, { write }: FillOptions): Promise<FillStep[]> {
  const causes = Object.entries(METHOD_OF_CAUSE).map(([cause, method]) => `(${quote(cause)}, ${quote(method)})`)
  const rows =
    await session.rows(`WITH made_of AS (SELECT symbol, s, e, method, source_object AS source, count(*) AS n FROM made GROUP BY ALL),
    sums AS (SELECT symbol, s, e, sum(n)::BIGINT AS made FROM made_of GROUP BY ALL),
    rest AS (SELECT symbol, s, e, g.c.cause AS cause, (e - s) // ${contractOf(series).cadence(series.interval)} - coalesce(made, 0) AS n FROM caused g LEFT JOIN sums USING (symbol, s, e)
      WHERE g.c.cause NOT IN ('not_listed', 'delisted') AND (e - s) // ${contractOf(series).cadence(series.interval)} > coalesce(made, 0))
    SELECT m.*, g.c.cause AS cause, true AS is_made FROM made_of m JOIN caused g USING (symbol, s, e)
    UNION ALL BY NAME SELECT symbol, s, e, method, NULL AS source, n, r.cause, false AS is_made FROM rest r JOIN (VALUES ${causes.join(', ')}) AS v(cause, method) USING (cause)
    ORDER BY symbol, s, method`)
  return rows.map((row) => {
    const [made, found] = [row['is_made'] === true, String(row['method']) as FillMethod]
    // Only bars are given back years later.
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

/** SQL of what silver.fills says of a table, or undefined where it says nothing. */
async function formerFills({ store, session }: WriteDeps, name: string): Promise<string | undefined> {
  const table = await loadTable(store, tableKey('silver', 'fills'))
  if (table === undefined) return undefined
  const files: DataFile[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) if (file.partition[0] === `silver.${name}`) files.push(file)
  return files.length === 0 ? undefined : `${DECIDED} (${await scanSql(session, table, table.shape, files)})`
}

async function filledFiles({ store }: WriteDeps, name: string): Promise<DataFile[]> {
  const root = tableKey('silver', name)
  const table = required(await loadTable(store, root), root)
  const files: DataFile[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) if (isFilled(file)) files.push(file)
  return files
}

/** Keeps what was filled, formerly (as far as it is still there) and now, and what is open: as found now, or where only former decisions were carried out again, as found then. */
async function record(deps: WriteDeps, series: Series, steps: readonly FillStep[], again: boolean): Promise<void> {
  const { store, session } = deps
  const name = silverTableName(series)
  const root = tableKey('silver', name)
  const table = required(await loadTable(store, root), root)
  const none = `SELECT NULL::VARCHAR AS symbol, 0::BIGINT AS s, 0::BIGINT AS e, '' AS cause, '' AS method, '' AS source_object, 0::BIGINT AS row_count, '' AS status WHERE false`
  const kept = steps.filter(({ status }) => status === 'filled' || !again)
  const values = kept.map(
    (one) =>
      `(${quote(one.symbol)}, epoch_us(${quote(one.gapStart)}::TIMESTAMPTZ), epoch_us(${quote(one.gapEnd)}::TIMESTAMPTZ), ${[one.cause, one.method, one.source ?? '', one.status].map(quote).join(', ')}, ${one.rows}::BIGINT)`,
  )
  const fresh =
    values.length === 0
      ? none
      : `SELECT symbol, s, e, cause, method, source_object, row_count, status FROM (VALUES ${values.join(', ')}) AS v(symbol, s, e, cause, method, source_object, status, row_count)`
  await session.run(`CREATE OR REPLACE TEMP TABLE fresh_fills AS ${fresh}`)
  await session.run(`CREATE OR REPLACE TEMP TABLE former_fills AS ${(await formerFills(deps, name)) ?? none}`)
  const derived = `SELECT symbol, epoch_us(${quoteName(contractOf(series).eventTime)}) AS us, source_object FROM (${await scanSql(session, table, table.shape, await filledFiles(deps, name))})`
  const held = isBars(series)
    ? `SELECT f.symbol, f.s, f.e, f.cause, f.method, f.source_object, count(*) AS row_count, 'filled' AS status FROM former_fills f JOIN (${derived}) d ON d.symbol = f.symbol AND d.us >= f.s AND d.us < f.e AND d.source_object = f.source_object
      WHERE f.status = 'filled' AND NOT EXISTS (SELECT 1 FROM fresh_fills n WHERE n.status = 'filled' AND n.symbol = f.symbol AND n.s < f.e AND n.e > f.s) GROUP BY ALL`
    : none
  const open = again ? `SELECT * FROM former_fills WHERE status <> 'filled'` : none
  await replaceRows(
    deps,
    'fills',
    `silver.${name}`,
    FILLS,
    `SELECT ${quote(`silver.${name}`)} AS table_name, symbol, make_timestamptz(s) AS from_time, make_timestamptz(e) AS to_time, cause, method, source_object, row_count, status
    FROM (SELECT * FROM fresh_fills UNION ALL BY NAME ${held} UNION ALL BY NAME ${open}) ORDER BY symbol, from_time, method`,
  )
}
