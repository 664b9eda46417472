import type { Series } from '../../core/datasets/registry.ts'
import { INTERVALS, isIntraday } from '../../core/interval.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import { amounts } from '../checks/check.ts'
import type { ObservedBar } from './detector.ts'
import { DETECTORS } from './registry.ts'

type Judge = ReturnType<(typeof DETECTORS)[number]['create']>

type Hit = { readonly detector: (typeof DETECTORS)[number]; readonly symbol: string; readonly time: number; readonly score: number }

/** After so many missing bars what came before tells nothing of what follows. */
const BREAK_BARS = 10

/** So many hits are handed over at once. */
const BATCH = 500

/** Whether bars of the series are looked at for what is out of the ordinary. */
export function isDetectable({ dataset, interval }: Series): boolean {
  return dataset === 'klines' && interval !== undefined && isIntraday(interval)
}

/**
 * Shows the bars of a table to every detector, partition by partition in the order of time, and writes the hits to the temporary table `found`. What a symbol's detectors have seen is
 * kept from one partition to the next.
 */
export class DetectorRun {
  readonly #session: DuckDBSession
  readonly #series: Series
  readonly #judges = new Map<string, { judges: readonly Judge[]; last: number }>()
  readonly #bar: ObservedBar = { time: 0, open: 0, high: 0, low: 0, close: 0, volume: 0, takerVolume: 0, tradeCount: 0 }
  #hits: Hit[] = []

  constructor(session: DuckDBSession, series: Series) {
    this.#session = session
    this.#series = series
  }

  async add(rows: string): Promise<void> {
    const { volume, takerVolume } = amounts(this.#series)
    const result = await this.#session.stream(
      `SELECT symbol, epoch_us(open_time)::DOUBLE, open, high, low, close, ${volume}, ${takerVolume}, trade_count::DOUBLE FROM (${rows}) ORDER BY symbol, open_time`,
    )
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      const columns = Array.from({ length: 9 }, (_, index) => chunk.getColumnValues(index))
      for (let row = 0; row < chunk.rowCount; row++) this.#observe(columns as readonly (readonly unknown[])[], row)
    }
    await this.#flush()
  }

  #observe(columns: readonly (readonly unknown[])[], row: number): void {
    const number = (index: number) => columns[index]?.[row] as number
    const symbol = columns[0]?.[row] as string
    const time = number(1)
    const step = INTERVALS[this.#series.interval ?? '1m'].us ?? 1
    let state = this.#judges.get(symbol)
    if (state === undefined || time - state.last > BREAK_BARS * step) {
      state = { judges: DETECTORS.map((detector) => detector.create()), last: time }
      this.#judges.set(symbol, state)
    }
    state.last = time
    const bar = this.#bar
    bar.time = time
    bar.open = number(2)
    bar.high = number(3)
    bar.low = number(4)
    bar.close = number(5)
    bar.volume = number(6)
    bar.takerVolume = number(7)
    bar.tradeCount = number(8)
    for (let at = 0; at < DETECTORS.length; at++) {
      const score = state.judges[at]?.(bar)
      const detector = DETECTORS[at]
      if (score !== undefined && detector !== undefined) this.#hits.push({ detector, symbol, time, score })
    }
  }

  async #flush(): Promise<void> {
    const step = INTERVALS[this.#series.interval ?? '1m'].us ?? 1
    for (let at = 0; at < this.#hits.length; at += BATCH) {
      const values = this.#hits.slice(at, at + BATCH).map(({ detector, symbol, time, score }) => {
        const detail = `score ${score.toPrecision(4)}; ${Object.entries(detector.parameters)
          .map(([name, value]) => `${name} ${value}`)
          .join(', ')}`
        return `(${quote(detector.id)}, ${quote(symbol)}, ${time}, ${time + step}, 1, ${quote(detail)})`
      })
      await this.#session.run(`INSERT INTO found VALUES ${values.join(', ')}`)
    }
    this.#hits = []
  }
}
