import { INTERVALS, isIntraday } from '../../../core/interval.ts'
import { CHUNK_ROWS } from '../../../platform/duckdb/feed.ts'
import { readDoubles } from '../../../platform/duckdb/read-doubles.ts'
import { Relation } from '../../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../../../platform/duckdb/session.ts'
import { columnNames, contractOf, findColumn, isTradedBars, type Series } from '../../../sources/series.ts'
import type { Found } from '../found.ts'
import { type Detector, type Judge, nothingObserved, type Observed } from './detector.ts'
import { DETECTORS } from './registry.ts'

type Hit = {
  readonly detector: Detector
  readonly symbol: string
  readonly time: number
  readonly score: number
  readonly detail: string
  readonly context: string
}

/** After this many missing bars, the history is discarded. */
const BREAK_BARS = 10

/** How many hits are written at once. */
const BATCH = 500

/** How many rows before a hit are stored with it. */
const CONTEXT_ROWS = 3

type Field = Exclude<keyof Observed, 'time'>

/** SQL of the fields that detectors need from rows of a series; undefined for rows that no detector judges. */
function fieldsOf(
  series: Series,
): { readonly kinds: readonly Detector['sees'][]; readonly fields: readonly (readonly [Field, string])[] } | undefined {
  switch (contractOf(series).kind) {
    case 'bars': {
      // Bars of a ratio do not have a price, and bars of a day or longer are too few to learn from.
      if (findColumn(series, 'close')?.measure !== 'price' || series.interval === undefined || !isIntraday(series.interval))
        return undefined
      const names = columnNames(series, 'open', 'high', 'low', 'close')
      const prices = (['open', 'high', 'low', 'close'] as const).map((role) => [role, names[role]] as const)
      if (!isTradedBars(series)) return { kinds: ['bars'], fields: prices }
      const { amount, taker_amount: taker, trade_count: count } = columnNames(series, 'amount', 'taker_amount', 'trade_count')
      const traded = [['volume', amount] as const, ['takerVolume', taker] as const, ['tradeCount', `${count}::DOUBLE`] as const]
      return { kinds: ['traded bars', 'bars'], fields: [...prices, ...traded] }
    }
    case 'trades':
      return { kinds: ['trades'], fields: [['price', columnNames(series, 'price').price]] }
    case 'quotes': {
      const { bid_price: bid, ask_price: ask } = columnNames(series, 'bid_price', 'ask_price')
      return {
        kinds: ['quotes'],
        fields: [
          ['bid', bid],
          ['ask', ask],
        ],
      }
    }
    default:
      return undefined
  }
}

/** `recent` holds the last rows one after the other, each with time and fields; `place` is the position of the next row. */
/** The state of the detectors at the end of a table, from which a score can be computed again. */
export type Models = Relation<'symbol' | 'detector' | 'version' | 'trained_rows' | 'model'>

type State = { readonly judges: readonly Judge[]; last: number; readonly recent: Float64Array; place: number; rows: number }

/**
 * Passes the rows of a table to every detector for their kind, partition by partition in time order, and adds the hits to `found`. The state of the
 * detectors of a symbol is kept from one partition to the next.
 */
export class DetectorRun {
  readonly #session: DuckDBSession
  readonly #series: Series
  readonly #found: Found
  readonly #seen: ReturnType<typeof fieldsOf>
  readonly #detectors: readonly Detector[]
  readonly #states = new Map<string, State>()
  readonly #row = nothingObserved()
  /** µs: the duration of a row, and the break after which the history is discarded. */
  readonly #step: number
  readonly #break: number
  #hits: Hit[] = []

  constructor(session: DuckDBSession, series: Series, found: Found) {
    this.#session = session
    this.#found = found
    this.#series = series
    this.#seen = fieldsOf(series)
    this.#detectors = DETECTORS.filter(({ sees }) => this.#seen?.kinds.includes(sees) === true)
    const us = series.interval === undefined ? undefined : INTERVALS[series.interval].us
    this.#step = us ?? 1
    this.#break = us === undefined ? Number.POSITIVE_INFINITY : BREAK_BARS * us
  }

  /** Rows that are read in the order of the table key are not sorted again. */
  async add(rows: string, { inOrder }: { inOrder: boolean }): Promise<void> {
    if (this.#seen === undefined) return
    const { key, eventTime } = contractOf(this.#series)
    const fields = this.#seen.fields.map(([name]) => name)
    const values = this.#seen.fields.map(([, sql]) => `(${sql})::DOUBLE`)
    const result = await this.#session.stream(
      `SELECT symbol, epoch_us(${quoteName(eventTime)})::DOUBLE, ${values.join(', ')} FROM (${rows}) ${inOrder ? '' : `ORDER BY ${key.map(quoteName).join(', ')}`}`,
    )
    const columns = [new Float64Array(CHUNK_ROWS), ...fields.map(() => new Float64Array(CHUNK_ROWS))]
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      for (const [at, column] of columns.entries()) readDoubles(chunk, at + 1, column, 0)
      const symbols = chunk.getColumnVector(0)
      const symbolAt = (row: number) => String(symbols.getItem(row))
      // Rows are in the order of their symbols.
      for (let from = 0; from < chunk.rowCount; ) {
        const symbol = symbolAt(from)
        let to = symbolAt(chunk.rowCount - 1) === symbol ? chunk.rowCount : from + 1
        while (to < chunk.rowCount && symbolAt(to) === symbol) to++
        for (let row = from; row < to; row++) this.#observe(symbol, fields, columns, row)
        from = to
      }
    }
    await this.#flush()
  }

  #observe(symbol: string, fields: readonly Field[], columns: readonly Float64Array[], row: number): void {
    const [times = new Float64Array()] = columns
    const time = times[row] as number
    const state = this.#stateAt(symbol, time, columns.length)
    const seen = this.#row
    const place = state.place
    seen.time = time
    state.recent[place] = time
    for (let at = 1; at < columns.length; at++) {
      const value = columns[at]?.[row] as number
      seen[fields[at - 1] as Field] = value
      state.recent[place + at] = value
    }
    state.place = (place + columns.length) % state.recent.length
    state.rows++
    for (let at = 0; at < state.judges.length; at++) {
      const score = state.judges[at]?.(seen)
      if (score !== undefined) this.#hit(state, at, symbol, time, score, fields)
    }
  }

  /** The state of a symbol so far; empty after a long break. */
  #stateAt(symbol: string, time: number, width: number): State {
    let state = this.#states.get(symbol)
    if (state === undefined || time - state.last > this.#break) {
      const recent = new Float64Array(width * (CONTEXT_ROWS + 1))
      state = { judges: this.#detectors.map((detector) => detector.create()), last: time, recent, place: 0, rows: 0 }
      this.#states.set(symbol, state)
    }
    state.last = time
    return state
  }

  #hit(state: State, at: number, symbol: string, time: number, score: number, fields: readonly Field[]): void {
    const detector = this.#detectors[at]
    if (detector === undefined) return
    const because = state.judges[at]?.explain?.()
    const parameters = Object.entries(detector.parameters).map(([name, value]) => `${name} ${value}`)
    const { recent, place, rows } = state
    const width = fields.length + 1
    const context = Array.from({ length: Math.min(rows, CONTEXT_ROWS + 1) }, (_, n) => {
      const from = (place + recent.length - (n + 1) * width) % recent.length
      const values = fields.map((name, index) => [name, recent[from + index + 1]])
      return Object.fromEntries([['time', new Date((recent[from] ?? 0) / 1000).toISOString()], ...values])
    }).reverse()
    const detail = `score ${score.toPrecision(4)}${because === undefined ? '' : ` (${because})`}; ${parameters.join(', ')}`
    this.#hits.push({ detector, symbol, time, score, detail, context: JSON.stringify(context) })
  }

  async #flush(): Promise<void> {
    for (let at = 0; at < this.#hits.length; at += BATCH) {
      const values = this.#hits
        .slice(at, at + BATCH)
        .map(
          ({ detector, symbol, time, score, detail, context }) =>
            `(${quote(detector.id)}, ${quote(symbol)}, ${time}, ${time + this.#step}, 1, ${quote(detail)}, ${score}, ${quote(context)})`,
        )
      await this.#found.add(`SELECT * FROM (VALUES ${values.join(', ')}) AS v(${this.#found.columns.join(', ')})`)
    }
    this.#hits = []
  }

  /** The learnt states of the detectors. The caller disposes of the relation. */
  async models(): Promise<Models> {
    const models: Models = await Relation.empty(this.#session, {
      symbol: 'VARCHAR',
      detector: 'VARCHAR',
      version: 'BIGINT',
      trained_rows: 'BIGINT',
      model: 'VARCHAR',
    })
    for (const [symbol, { judges }] of this.#states)
      for (const [at, { id, parameters }] of this.#detectors.entries()) {
        const model = judges[at]?.model?.()
        if (model === undefined) continue
        const values = `${quote(symbol)}, ${quote(id)}, ${parameters['version'] ?? 1}, ${model.rows}, ${quote(model.json)}`
        await models.add(`SELECT * FROM (VALUES (${values})) AS v(${models.columns.join(', ')})`)
      }
    return models
  }
}
