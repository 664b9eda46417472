import { US_PER_DAY } from '../../../core/time.ts'
import { Relation } from '../../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../../../platform/duckdb/session.ts'
import { contractOf, isBars, type Series } from '../../../sources/series.ts'
import type { Found } from '../found.ts'
import { type Check, DIMENSIONS, type Dimension } from './check.ts'
import { CHECKS } from './registry.ts'

/** If one rule has more stretches than this in one partition, they are joined into one finding per day. */
const STRETCHES = 2000

type ActiveCheck = Check & { readonly sql: string }

/** Per symbol and day (since 1970): rows, rows that were invented to fill gaps, missing rows, rows that break a rule of each dimension, and the first and last instant in µs. */
export type Tallies = Relation<keyof typeof TALLY_TYPES>

const TALLY_TYPES = {
  symbol: 'VARCHAR',
  day: 'BIGINT',
  n: 'BIGINT',
  invented: 'BIGINT',
  missing: 'BIGINT',
  first_us: 'BIGINT',
  last_us: 'BIGINT',
  ...(Object.fromEntries(DIMENSIONS.map((name) => [`bad_${name}`, 'BIGINT'])) as Record<`bad_${Dimension}`, string>),
}

/** How many rows a table has from each object on each day (since 1970), and their first and last instant in µs. */
export type KeptRows = Relation<'source_object' | 'day' | 'n' | 'first_us' | 'last_us'>

/**
 * Checks a table against the rules, partition by partition in time order. The last row of each symbol is carried over, so that the first rows of the next
 * partition are compared with it.
 */
export class CheckRun implements AsyncDisposable {
  readonly tallies: Tallies
  readonly kept: KeptRows
  readonly #session: DuckDBSession
  readonly #series: Series
  readonly #found: Found
  #carried: Relation<string>
  readonly #checks: readonly ActiveCheck[]
  readonly #lagged: readonly string[]
  readonly #time: string
  readonly #order: string

  private constructor(
    session: DuckDBSession,
    series: Series,
    { found, tallies, kept, carried }: { found: Found; tallies: Tallies; kept: KeptRows; carried: Relation<string> },
  ) {
    const { eventTime, key } = contractOf(series)
    this.#session = session
    this.#series = series
    this.#found = found
    this.tallies = tallies
    this.kept = kept
    this.#carried = carried
    this.#checks = (CHECKS as readonly Check[]).flatMap((check) => {
      const sql = check.condition(series)
      return sql === undefined ? [] : [{ ...check, sql }]
    })
    this.#lagged = [...new Set([...this.#checks.flatMap((check) => check.previous?.(series) ?? [])])]
    this.#time = quoteName(eventTime)
    this.#order = key.slice(1).map(quoteName).join(', ')
  }

  /** Violations are added to `found`. `empty` is SQL that gives the columns of the table and zero rows. */
  static async begin(
    session: DuckDBSession,
    series: Series,
    found: Found,
    empty: { names: readonly string[]; sql: string },
  ): Promise<CheckRun> {
    const tallies = await Relation.empty(session, TALLY_TYPES)
    const kept = await Relation.empty(session, {
      source_object: 'VARCHAR',
      day: 'BIGINT',
      n: 'BIGINT',
      first_us: 'BIGINT',
      last_us: 'BIGINT',
    })
    return new CheckRun(session, series, { found, tallies, kept, carried: await Relation.of(session, empty.names, empty.sql) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const relation of [this.tallies, this.kept, this.#carried]) await relation[Symbol.asyncDispose]()
  }

  /** Judges the rows of one partition. `rows` is SQL of them. */
  async add(rows: string): Promise<void> {
    const hits = await this.#tally(rows)
    for (const check of this.#checks) if (hits.has(check.id)) await this.#list(check, rows)
    const us = `epoch_us(${this.#time})`
    await this.kept.add(
      `SELECT source_object, ${us} // ${US_PER_DAY} AS day, count(*) AS n, min(${us}) AS first_us, max(${us}) AS last_us FROM (${rows}) GROUP BY 1, 2`,
    )
    if (this.#lagged.length === 0) return
    const last = `SELECT unnest(max_by(s, struct_pack(${this.#order}))) FROM (${rows} UNION ALL FROM ${this.#carried}) s GROUP BY symbol`
    await using _former = this.#carried
    this.#carried = await Relation.of(this.#session, this.#carried.columns, last)
  }

  /** Counts violations per symbol and day. Returns the rules that were broken. */
  async #tally(rows: string): Promise<ReadonlySet<string>> {
    const conditions = (checks: readonly ActiveCheck[]) => checks.map(({ sql }) => `coalesce(${sql}, false)`).join(' OR ')
    const bad = DIMENSIONS.map((dimension) => {
      const judged = this.#checks.filter(
        (check) => check.dimension === dimension && check.severity !== 'info' && check.missing === undefined && check.least === undefined,
      )
      return judged.length === 0 ? '0' : `count(*) FILTER (${conditions(judged)})`
    })
    const missing = this.#checks.flatMap((check) =>
      check.missing === undefined ? [] : [`coalesce(sum(${check.missing(this.#series)}) FILTER (${check.sql}), 0)`],
    )
    const counts = this.#checks.map(({ id, sql }) => `count(*) FILTER (${sql}) AS ${quoteName(`check_${id}`)}`)
    const names = [...Object.keys(TALLY_TYPES), ...this.#checks.map(({ id }) => `check_${id}`)]
    await using tally = await Relation.of(
      this.#session,
      names,
      `SELECT symbol, epoch_us(${this.#time}) // ${US_PER_DAY} AS day, count(*) AS n, ${isBars(this.#series) ? "count(*) FILTER (source = 'synthetic')" : '0'} AS invented, (${missing.join(' + ') || '0'})::BIGINT AS missing,
        min(epoch_us(${this.#time})) AS first_us, max(epoch_us(${this.#time})) AS last_us, ${bad.map((sql, index) => `${sql} AS bad_${DIMENSIONS[index]}`).join(', ')}
        ${counts.map((sql) => `, ${sql}`).join('')}
      FROM (${this.#judged(rows)}) WHERE NOT is_carried GROUP BY 1, 2`,
    )
    await this.tallies.add(`SELECT ${Object.keys(TALLY_TYPES).join(', ')} FROM ${tally}`)
    if (counts.length === 0) return new Set()
    const [sums = {}] = await this.#session.rows(
      `SELECT ${this.#checks.map(({ id }) => `sum(${quoteName(`check_${id}`)})::BIGINT AS ${quoteName(id)}`).join(', ')} FROM ${tally}`,
    )
    return new Set(this.#checks.flatMap(({ id }) => (Number(sums[id] ?? 0) > 0 ? [id] : [])))
  }

  /** Consecutive rows that break a rule make one finding. Missing rows make one finding per gap. */
  async #list({ id, sql, missing, least = 1 }: ActiveCheck, rows: string): Promise<void> {
    const us = `epoch_us(${this.#time})`
    const step = contractOf(this.#series).cadence(this.#series.interval) ?? 1
    const time = contractOf(this.#series).eventTime
    if (missing !== undefined) {
      const from = this.#lagged.includes(time) ? `epoch_us(${quoteName(`previous_${time}`)}) + ${step}` : us
      await this.#found.add(
        `SELECT ${quote(id)} AS check_id, symbol, ${from} AS from_us, ${us} AS to_us, ${missing(this.#series)} AS row_count FROM (${this.#judged(rows)}) WHERE NOT is_carried AND (${sql})`,
      )
      return
    }
    await using stretches = await Relation.of(
      this.#session,
      ['symbol', 'from_us', 'to_us', 'n'],
      `SELECT symbol, min(us) AS from_us, max(us) + ${step} AS to_us, count(*) AS n FROM (
        SELECT symbol, us, place - row_number() OVER (PARTITION BY symbol ORDER BY place) AS stretch FROM (
          SELECT symbol, ${us} AS us, row_number() OVER (PARTITION BY symbol ORDER BY ${this.#order}) AS place, is_carried, (${sql}) AS is_bad FROM (${this.#judged(rows)})
        ) WHERE is_bad AND NOT is_carried
      ) GROUP BY symbol, stretch HAVING n >= ${least}`,
    )
    await this.#found.add(`SELECT ${quote(id)} AS check_id, symbol, min(from_us) AS from_us, max(to_us) AS to_us, sum(n)::BIGINT AS row_count FROM ${stretches}
      GROUP BY symbol, CASE WHEN (SELECT count(*) FROM ${stretches}) > ${STRETCHES} THEN from_us // ${US_PER_DAY} ELSE from_us END`)
  }

  /** The rows together with the carried rows before them. */
  #judged(rows: string): string {
    if (this.#lagged.length === 0) return `SELECT *, false AS is_carried FROM (${rows})`
    const lags = this.#lagged.map((name) => `lag(${quoteName(name)}) OVER by_key AS ${quoteName(`previous_${name}`)}`)
    return `SELECT *, ${lags.join(', ')} FROM (SELECT *, false AS is_carried FROM (${rows}) UNION ALL SELECT *, true FROM ${this.#carried})
      WINDOW by_key AS (PARTITION BY symbol ORDER BY ${this.#order})`
  }
}
