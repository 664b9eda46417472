import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import type { InputName } from '../../src/gold/indicators/indicator.ts'
import { parseIndicators } from '../../src/gold/indicators/indicator-spec.ts'
import { INDICATORS } from '../../src/gold/indicators/registry.ts'
import { runKernel } from '../../src/gold/indicators/run-indicator.ts'
import { Random } from '../../src/simulator/random.ts'

export type Bars = Readonly<Record<InputName, Float64Array>>

/** Hourly bars of a random walk; with `ticks` closes are whole numbers, and repeat, and highs and lows are whole tenths. */
export function randomBars(seed: string, rows: number, ticks = false): Bars {
  const random = new Random(seed)
  const column = () => new Float64Array(rows)
  const bars = {
    time: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
    quote_volume: column(),
    benchmark: column(),
  }
  let [price, other] = [100, 50]
  for (let row = 0; row < rows; row++) {
    bars.time[row] = Date.UTC(2024, 0, 1) * 1000 + row * 3_600_000_000
    bars.open[row] = price
    const move = 0.01 * random.normal()
    price *= Math.exp(move)
    if (ticks) price = Math.round(price)
    other *= Math.exp(0.5 * move + 0.01 * random.normal())
    bars.close[row] = price
    bars.high[row] = Math.max(bars.open[row] ?? 0, price) * (1 + 0.003 * random.uniform())
    bars.low[row] = Math.min(bars.open[row] ?? 0, price) * (1 - 0.003 * random.uniform())
    if (ticks) for (const side of [bars.high, bars.low]) side[row] = Math.round((side[row] ?? 0) * 10) / 10
    bars.volume[row] = 10 * random.uniform()
    bars.quote_volume[row] = (bars.volume[row] ?? 0) * price
    bars.benchmark[row] = other
  }
  return bars
}

/** The output columns of one indicator as it is written in a spec. */
export function indicatorValues(spec: string, bars: Bars): Float64Array[] {
  const [one] = parseIndicators(spec)
  if (one === undefined) return []
  const rows = bars.close.length
  const outputs = one.indicator.outputs.map(() => new Float64Array(rows))
  runKernel(
    one.indicator.create(one.parameters),
    one.indicator.inputs.map((name) => bars[name]),
    outputs,
    rows,
  )
  return outputs
}

/** Other parameters than the usual ones that are held against the oracle too. */
const MORE: readonly string[] = [
  'sma(5)',
  'ema(50)',
  'wma(5)',
  'dema(7)',
  'tema(7)',
  'kama(10)',
  'rsi(2)',
  'rsi(30)',
  'macd(5, 35, 5)',
  'macd(3, 10, 1)',
  'bollinger(5, 1.5)',
  'atr(2)',
  'natr(5)',
  'adx(5)',
  'adxr(5)',
  'dx(5)',
  'stochastic(14, 1, 3)',
  'stoch_rsi(14, 14, 3)',
  'cci(20)',
  'mfi(5)',
  'williams_r(5)',
  'roc(1)',
  'momentum(1)',
  'psar(0.05, 0.1)',
  'correlation(10)',
  'beta(5)',
  'donchian(5)',
  'supertrend(7, 2)',
  'keltner(10, 20, 1.5)',
  'ichimoku(5, 9, 20, 9)',
  'yang_zhang(5, 8760)',
  'zscore(5)',
  'anchored_vwap(1704200000)',
]

/** How far an indicator is from its oracle over all series: the largest error relative to the value, or to a thousandth of the largest where the value is smaller; rows of warm-up that differ. */
export type Parity = {
  readonly id: string
  readonly spec: string
  readonly error: number
  readonly lookback: number
  readonly differingNulls: number
}

/** Holds every indicator against its oracle, over so many random series. */
export async function compareWithOracles(folder: string, count: number): Promise<Parity[]> {
  const series = Array.from({ length: count }, (_, n) => randomBars(`parity:${n}`, 150 + ((n * 37) % 250), n % 5 === 1))
  const specs = [...INDICATORS.map(({ id }) => id), ...MORE].flatMap((text) => parseIndicators(text).map((one) => ({ text, ...one })))
  const cases = specs.flatMap(({ indicator, parameters }) => series.map((_, n) => ({ id: indicator.id, parameters, series: n })))
  const lists = series.map((bars) => Object.fromEntries(Object.entries(bars).map(([name, column]) => [name, [...column]])))
  const [input, output] = [join(folder, 'cases.json'), join(folder, 'answers.json')]
  await writeFile(input, JSON.stringify({ series: lists, cases }))
  await promisify(execFile)(READERS_PYTHON, [join(import.meta.dirname, 'indicator_oracle.py'), input, output])
  const answers = JSON.parse(await readFile(output, 'utf8')) as (number | null)[][][]
  return specs.map(({ text, indicator, parameters }, place) => {
    let [error, differingNulls] = [0, 0]
    for (let n = 0; n < count; n++) {
      // Where the strength stands still, its place among the last ones is rounding alone in TA-Lib.
      if (indicator.id === 'stoch_rsi' && n % 5 === 1) continue
      const ours = indicatorValues(text, series[n] as Bars)
      const theirs = answers[place * count + n] ?? []
      for (const [column, values] of ours.entries()) {
        const other = theirs[column] ?? []
        const scale = 1e-3 * Math.max(...other.map((value) => Math.abs(value ?? 0)))
        for (const [row, value] of values.entries()) {
          const expected = other[row] ?? null
          if (Number.isNaN(value) !== (expected === null)) differingNulls++
          else if (expected !== null && value !== expected)
            error = Math.max(error, Math.abs(value - expected) / Math.max(Math.abs(expected), scale))
        }
      }
    }
    return { id: indicator.id, spec: text, error, lookback: indicator.lookback(parameters), differingNulls }
  })
}
