import { rm } from 'node:fs/promises'
import { LakehouseError } from '../../core/errors.ts'
import { union } from '../../core/ranges.ts'
import { PLAUSIBLE_TIME, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import { dataFileKey } from '../../lake/iceberg/partition-folder.ts'
import { periodRange } from '../../lake/iceberg/schema.ts'
import { liveFiles, loadTable, required, snapshotOf, urlOf } from '../../lake/iceberg/table.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { CommitQueue, filesByPartition } from '../../lake/tables/commit-queue.ts'
import { writeDataFile } from '../../lake/tables/data-file.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import {
  barNames,
  columnNames,
  contractOf,
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
import type { FillMethod } from './fill-methods.ts'
import { FILLED_PREFIX, isFilled } from './filled.ts'
import type { CausedGaps } from './find-gaps.ts'

/** All time for which data may exist. */
const EVERYWHEN: TimeRange = PLAUSIBLE_TIME

/** Missing rows: `us` is the time, `s` and `e` the gap, `is_synthetic` whether the last close may be carried forward. */
export type LackingRows = Relation<'symbol' | 's' | 'e' | 'cause' | 'us' | 'is_synthetic'>

/** Makes missing rows, one partition after the other. `made` has the columns of the table, plus the method and the gap of each row. */
export class RowMaker implements AsyncDisposable {
  readonly #lake: Lake
  readonly #series: Series
  readonly #step: number
  readonly #name: string
  readonly #there: readonly Series[]
  readonly made: Relation<string>
  bytesRead = 0

  private constructor(lake: Lake, series: Series, step: number, there: readonly Series[], made: Relation<string>) {
    this.#lake = lake
    this.#series = series
    this.#step = step
    this.#name = silverTableName(series)
    this.#there = there
    this.made = made
  }

  static async begin(lake: Lake, series: Series, step: number): Promise<RowMaker> {
    const { session } = lake
    const there = (await lake.tables('silver')).map(seriesOf).filter((one) => one !== undefined)
    const name = silverTableName(series)
    const table = await lake.table('silver', name)
    const columns = [...table.shape.fields.map((field) => field.name), 'method', 's', 'e']
    const empty = `SELECT *, ''::VARCHAR AS method, 0::BIGINT AS s, 0::BIGINT AS e FROM (${await scanSql(session, table, table.shape, [])})`
    return new RowMaker(lake, series, step, there, await Relation.of(session, columns, empty))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.made[Symbol.asyncDispose]()
  }

  /** The times for which any table has rows to make bars from, by the bounds of the files. */
  async reach(): Promise<TimeRange[]> {
    const ranges: TimeRange[] = []
    for (const source of [...everyFiner(this.#series, this.#there), ...this.#trades()]) {
      const table = required(await loadTable(this.#lake.store, tableKey('silver', silverTableName(source))), silverTableName(source))
      const id = table.shape.fields.find(({ name }) => name === contractOf(source).eventTime)?.id ?? 0
      for await (const { lower, upper } of liveFiles(table, snapshotOf(table, undefined)))
        ranges.push({ start: Number(lower.get(id) ?? EVERYWHEN.start) - this.#step, end: Number(upper.get(id) ?? EVERYWHEN.end) + 1 })
    }
    return union(ranges)
  }

  /** The table of single trades of the market, for traded bars; none or one. */
  #trades(): Series[] {
    const series = this.#series
    return isTradedBars(series) ? this.#there.filter((one) => isSingleTrades(one) && isOfSameMarket(one, series)) : []
  }

  /** Makes the missing rows of a partition. `caused` holds the gaps with their causes. */
  async make(partition: number, lacking: LackingRows, caused: CausedGaps): Promise<void> {
    const series = this.#series
    const range = periodRange(transformOf(series), partition)
    for (const finer of everyFiner(series, this.#there)) {
      const bars = barsOfFiner(series, finer, await this.#rows(finer, range))
      await this.#take(lacking, range, bars, {
        method: 'finer_bars',
        source: `silver.${silverTableName(finer)}`,
        closeTime: `b.${barNames(series).close_time}`,
      })
    }
    for (const trades of this.#trades())
      for (const days of await this.#daysAround(lacking, range)) await this.#takeTrades(trades, days, range, lacking)
    await this.#takeSynthetic(range, lacking, caused)
  }

  /** Trades prove a bar only if the trade before its first one and the trade after its last one exist too. */
  async #takeTrades(trades: Series, days: TimeRange, range: TimeRange, lacking: LackingRows): Promise<void> {
    const { session } = this.#lake
    const rows = await this.#rows(trades, days)
    const names = silverColumns(trades).map(({ name }) => name)
    await using near = await Relation.of(session, names, `SELECT * FROM (${rows}) WHERE symbol IN (SELECT symbol FROM ${lacking})`)
    const { sequence } = columnNames(trades, 'sequence')
    const beside = (id: string) => `EXISTS (SELECT 1 FROM ${near} t WHERE t.symbol = m.symbol AND t.${sequence} = ${id})`
    const proven = `SELECT * FROM (${barsOfTrades(this.#series, trades, `FROM ${near}`)}) m WHERE ${beside('m.first_id - 1')} AND ${beside('m.last_id + 1')}`
    const closeTime = `make_timestamptz(l.us + ${this.#step - 1000})`
    await this.#take(lacking, range, proven, { method: 'trades', source: `silver.${silverTableName(trades)}`, closeTime })
  }

  async #takeSynthetic(range: TimeRange, lacking: LackingRows, caused: CausedGaps): Promise<void> {
    if (!isTradedBars(this.#series)) return
    const { session } = this.#lake
    const [any] = await session.rows(`SELECT min(us) AS first FROM ${lacking} WHERE is_synthetic AND ${within(range)}`)
    if (any === undefined || any['first'] === null) return
    const { event_time: time, open, high, low, close } = barNames(this.#series)
    const nothing = Object.values(tradedNames(this.#series)).map((name) => `0 AS ${name}`)
    const from = await session.rows(`SELECT min(previous_us) AS us FROM ${caused} WHERE s < ${range.end} AND e > ${range.start}`)
    const before = await this.#rows(this.#series, { start: Number(from[0]?.['us'] ?? range.start), end: range.end })
    const flat = [open, high, low, close].map((name) => `p.last AS ${name}`)
    const bars = `SELECT l.symbol, make_timestamptz(l.us) AS ${time}, ${[...flat, ...nothing].join(', ')} FROM (SELECT * FROM ${lacking} WHERE is_synthetic AND ${within(range)}) l
      ASOF JOIN (SELECT symbol, epoch_us(${time}) AS us, ${close} AS last FROM (${before}) UNION ALL SELECT symbol, epoch_us(${time}), ${close} FROM ${this.made}) p ON p.symbol = l.symbol AND l.us > p.us`
    await this.#take(lacking, range, bars, {
      method: 'synthetic',
      source: 'synthetic',
      closeTime: `make_timestamptz(l.us + ${this.#step - 1000})`,
    })
  }

  /** Adds bars that are missing and were not made before. */
  async #take(
    lacking: LackingRows,
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
    await this.made.add(`SELECT ${given.join(', ')}, ${quote(method)} AS method, l.s, l.e
      FROM (SELECT * FROM ${lacking} WHERE ${within(range)}) l JOIN (${bars}) b ON b.symbol = l.symbol AND epoch_us(b.${time}) = l.us
      ANTI JOIN ${this.made} m ON m.symbol = b.symbol AND m.${time} = b.${time}`)
  }

  async #rows(series: Series, range: TimeRange): Promise<string> {
    const { sql, bytes } = await (await rowsOf(this.#lake, series))(range)
    this.bytesRead += bytes
    return sql
  }

  /** The days with rows that are still missing, each with the day before and the day after. */
  async #daysAround(lacking: LackingRows, range: TimeRange): Promise<TimeRange[]> {
    const { eventTime } = contractOf(this.#series)
    const days = await this.#lake.session.rows(`SELECT DISTINCT us // ${US_PER_DAY} AS day FROM ${lacking} l WHERE ${within(range)}
      AND NOT EXISTS (SELECT 1 FROM ${this.made} m WHERE m.symbol = l.symbol AND epoch_us(m.${eventTime}) = l.us)`)
    return union(days.map(({ day }) => ({ start: (Number(day) - 1) * US_PER_DAY, end: (Number(day) + 2) * US_PER_DAY })))
  }

  /** Writes the new and the former filled rows of a partition into one file, beside the files made from bronze. */
  async commit(partition: number): Promise<void> {
    const { store, session, commits, run } = this.#lake
    const { eventTime, key, parquet } = contractOf(this.#series)
    const transform = transformOf(this.#series)
    const root = tableKey('silver', this.#name)
    const table = required(await loadTable(store, root), root)
    const { shape } = table
    const range = periodRange(transform, partition)
    const fresh = `FROM ${this.made} WHERE epoch_us(${quoteName(eventTime)}) >= ${range.start} AND epoch_us(${quoteName(eventTime)}) < ${range.end}`
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
      const path = urlOf(store, keyFor(`${FILLED_PREFIX}${written.sha256.slice(0, 33)}.parquet`))
      const queue = new CommitQueue({ store, root, shape, deps: commits, run })
      const file = { ...written, path, specId: table.metadata['default-spec-id'], partition: [partition] }
      const seen = new Set(live.map((one) => one.path))
      const remove = new Set(former.map((one) => one.path))
      if ((await queue.submit({ partition, seen, remove, add: [{ temporary, file }] })) === 'conflict')
        throw new LakehouseError(
          'COMMIT_CONFLICT',
          `another run changed silver.${this.#name} while its gaps were filled: run \`gaps fill\` again`,
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
