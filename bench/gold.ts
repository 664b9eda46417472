import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { resampleSql } from '../src/gold/bars/resample.ts'
import type { InputName } from '../src/gold/indicators/indicator.ts'
import { findIndicator } from '../src/gold/indicators/indicator-spec.ts'
import { runKernel } from '../src/gold/indicators/run-indicator.ts'
import { DuckDBSession, quote } from '../src/platform/duckdb/session.ts'
import { Random } from '../src/simulator/random.ts'
import { BENCH_PYTHON } from './python.ts'

const run = promisify(execFile)
const PEER = join(import.meta.dirname, 'peers', 'gold_peer.py')

/** One-minute bars of forty symbols over nearly a year. */
const ROWS = 20_736_000
const CLOSES = 1_000_000

const TWELVE = ['sma', 'ema', 'rsi', 'macd', 'bollinger', 'atr', 'rolling_vwap', 'wma', 'adx', 'stochastic', 'obv', 'mfi'] as const

/** Measures bars and indicators against other libraries on the same data. */
export async function benchGold(cache: string, only?: string): Promise<void> {
  if (only !== 'indicators') await benchResample(cache)
  if (only !== 'resample') await benchIndicators(join(cache, 'closes'))
}

async function benchResample(cache: string): Promise<void> {
  const file = join(cache, 'minutes.parquet')
  const session = await DuckDBSession.open({ threads: 2, memoryLimitMb: 4000, temporaryDirectory: cache })
  if (!existsSync(file))
    await session.run(`COPY (SELECT 'S' || lpad((i // 518400)::VARCHAR, 2, '0') || 'USDT' AS symbol, make_timestamptz(1704067200000000 + (i % 518400) * 60000000) AS open_time, p AS open, p * 1.001 AS high, p * 0.999 AS low,
        p * 1.0005 AS close, round(random() * 100, 5) AS volume, make_timestamptz(1704067259999000 + (i % 518400) * 60000000) AS close_time, round(random() * 100000, 8) AS quote_volume, (1 + random() * 500)::BIGINT AS trade_count,
        round(random() * 50, 5) AS taker_buy_volume, round(random() * 50000, 8) AS taker_buy_quote_volume FROM (SELECT i, round(100 + random(), 2) AS p FROM range(${ROWS}) t(i)))
      TO ${quote(file)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`)
  const rows = `SELECT * FROM read_parquet(${quote(file)})`
  const amounts = ['volume', 'quote_volume', 'taker_buy_volume', 'taker_buy_quote_volume']
  const bare = `SELECT symbol, epoch_us(open_time) // 3600000000 AS bar, arg_min(open, open_time) AS open, max(high) AS high, min(low) AS low, arg_max(close, open_time) AS close,
    ${amounts.map((name) => `sum(${name}) AS ${name}`).join(', ')}, sum(trade_count) AS trade_count, count(*) AS held FROM (${rows}) GROUP BY ALL ORDER BY ALL`
  const bars = (largest: ReadonlyMap<string, number>) =>
    `SELECT * FROM (${resampleSql({ exchange: 'binance', market: 'spot' }, { rows, us: 60_000_000, name: '1m', areTrades: false, origin: "'archive'", largest }, { us: 3_600_000_000, offsetUs: 0 })}) ORDER BY symbol, open_time`
  // The largest amounts, as the statistics of table files report them.
  const [most = {}] = await session.rows(`SELECT ${amounts.map((name) => `max(${name}) AS ${name}`).join(', ')} FROM (${rows})`)
  const small = new Map(amounts.map((name) => [name, Number(most[name])]))
  const results = new Map<string, number[]>()
  for (let round = 0; round < 3; round++)
    for (const [name, sql] of [
      ['DuckDB, sums of doubles', bare],
      ['ours: exact sums, prices of trades, completeness', bars(small)],
      ['ours, where amounts are of any size', bars(new Map())],
    ] as const) {
      const begin = performance.now()
      await session.run(`CREATE OR REPLACE TEMP TABLE made AS ${sql}`)
      results.set(name, [...(results.get(name) ?? []), performance.now() - begin])
    }
  session.close()
  for (const engine of ['polars', 'pandas']) {
    const { stdout } = await run(BENCH_PYTHON, [PEER, 'resample', file, engine], { maxBuffer: 1 << 26 })
    results.set(
      engine === 'polars' ? 'Polars, streaming, sums of doubles' : 'pandas',
      (JSON.parse(stdout) as number[]).map((seconds) => seconds * 1000),
    )
  }
  const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
  const ours = middle(results.get('ours: exact sums, prices of trades, completeness') ?? [])
  process.stdout.write(`\n| ${(ROWS / 1e6).toFixed(1)} M × 1m to 1h | ms | ours is |\n|---|---|---|\n`)
  for (const [name, values] of results)
    process.stdout.write(`| ${name} | ${middle(values).toFixed(0)} | ${(middle(values) / ours).toFixed(2)}× |\n`)
}

/** Writes the bars of a random walk as files for the peers. */
async function makeCloses(folder: string): Promise<Record<InputName, Float64Array>> {
  await mkdir(folder, { recursive: true })
  const random = new Random('closes')
  const column = () => new Float64Array(CLOSES)
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
  let price = 100
  for (let row = 0; row < CLOSES; row++) {
    bars.time[row] = row * 60e6
    bars.open[row] = price
    price *= Math.exp(0.001 * random.normal())
    bars.close[row] = price
    bars.high[row] = Math.max(bars.open[row] ?? 0, price) * (1 + 0.0005 * random.uniform())
    bars.low[row] = Math.min(bars.open[row] ?? 0, price) * (1 - 0.0005 * random.uniform())
    bars.volume[row] = 100 * random.uniform()
  }
  for (const name of ['open', 'high', 'low', 'close', 'volume'] as const)
    await writeFile(join(folder, `${name}.f64`), new Uint8Array(bars[name].buffer))
  return bars
}

async function benchIndicators(folder: string): Promise<void> {
  const bars = await makeCloses(folder)
  const ours: Record<string, { value: number; tick: number }> = {}
  for (const id of TWELVE) ours[id] = measure(id, bars)
  const { stdout } = await run(BENCH_PYTHON, [PEER, 'indicators', folder], { maxBuffer: 1 << 26 })
  const peers = {
    ...(JSON.parse(stdout) as Record<string, Record<string, number>>),
    technicalindicators: await javaScriptPeer(folder, bars),
  }
  const names = Object.keys(peers)
  process.stdout.write(
    `\n| ns per value over ${CLOSES.toLocaleString('en')} bars | ours | ${names.join(' | ')} | ours / TA-Lib | ours, ns per tick |\n|---|${names.map(() => '---|').join('')}---|---|---|\n`,
  )
  const total: Record<string, number> = {}
  for (const id of TWELVE) {
    const { value, tick } = ours[id] ?? { value: 0, tick: 0 }
    const theirs = names.map((name) => peers[name as keyof typeof peers]?.[id])
    for (const [index, name] of names.entries()) total[name] = (total[name] ?? 0) + (theirs[index] ?? Number.NaN)
    const talib = theirs[0] ?? Number.NaN
    process.stdout.write(
      `| ${id} | ${value.toFixed(2)} | ${theirs.map((one) => one?.toFixed(2) ?? '–').join(' | ')} | ${(value / talib).toFixed(2)} | ${tick.toFixed(1)} |\n`,
    )
  }
  const all = TWELVE.reduce((sum, id) => sum + (ours[id]?.value ?? 0), 0)
  const shown = names.map((name) =>
    Number.isNaN(total[name] ?? Number.NaN) ? '–' : `${total[name]?.toFixed(1)} (${((total[name] ?? 0) / all).toFixed(1)}×)`,
  )
  process.stdout.write(`| all twelve | ${all.toFixed(1)} | ${shown.join(' | ')} | | |\n`)
}

function measure(id: string, bars: Record<InputName, Float64Array>): { value: number; tick: number } {
  const indicator = findIndicator(id)
  const parameters = Object.fromEntries(Object.entries(indicator.parameters).map(([name, { default: usual }]) => [name, usual]))
  const inputs = indicator.inputs.map((name) => bars[name])
  const outputs = indicator.outputs.map(() => new Float64Array(CLOSES))
  let value = Number.POSITIVE_INFINITY
  for (let round = 0; round < 9; round++) {
    const kernel = indicator.create(parameters)
    const begin = performance.now()
    runKernel(kernel, inputs, outputs, CLOSES, { isWhole: true })
    value = Math.min(value, performance.now() - begin)
  }
  const [ins, outs, ticks] = [inputs.map(() => new Float64Array(1)), outputs.map(() => new Float64Array(1)), 200_000]
  let tick = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const kernel = indicator.create(parameters)
    const begin = performance.now()
    for (let row = 0; row < ticks; row++) {
      for (let index = 0; index < ins.length; index++) (ins[index] as Float64Array)[0] = inputs[index]?.[row] as number
      kernel.run(ins, outs, 1)
    }
    tick = Math.min(tick, performance.now() - begin)
  }
  return { value: (value * 1e6) / CLOSES, tick: (tick * 1e6) / ticks }
}

/** Measures the best-known npm library over a tenth of the series, as plain arrays. Installs it beside the other peers. */
async function javaScriptPeer(folder: string, bars: Record<InputName, Float64Array>): Promise<Record<string, number>> {
  const home = join(folder, '..', 'npm')
  if (!existsSync(join(home, 'node_modules', 'technicalindicators'))) {
    await mkdir(home, { recursive: true })
    await writeFile(join(home, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--silent', 'technicalindicators@3.1.0'], { cwd: home })
  }
  type Calculate = { calculate(input: unknown): unknown }
  const ti = createRequire(join(home, 'package.json'))('technicalindicators') as Record<string, Calculate>
  const rows = CLOSES / 10
  const list = (name: InputName) => [...bars[name].subarray(0, rows)]
  const [open, high, low, close, volume] = [list('open'), list('high'), list('low'), list('close'), list('volume')]
  const calls: Record<string, [string, object]> = {
    sma: ['SMA', { period: 20, values: close }],
    ema: ['EMA', { period: 20, values: close }],
    rsi: ['RSI', { period: 14, values: close }],
    macd: ['MACD', { values: close, fastPeriod: 12, slowPeriod: 26, signalPeriod: 9, SimpleMAOscillator: false, SimpleMASignal: false }],
    bollinger: ['BollingerBands', { period: 20, stdDev: 2, values: close }],
    atr: ['ATR', { period: 14, high, low, close }],
    wma: ['WMA', { period: 20, values: close }],
    adx: ['ADX', { period: 14, high, low, close }],
    stochastic: ['Stochastic', { period: 5, signalPeriod: 3, high, low, close }],
    obv: ['OBV', { close, volume }],
    mfi: ['MFI', { period: 14, open, high, low, close, volume }],
  }
  return Object.fromEntries(
    Object.entries(calls).map(([id, [name, input]]) => {
      let best = Number.POSITIVE_INFINITY
      for (let round = 0; round < 3; round++) {
        const begin = performance.now()
        ti[name]?.calculate(input)
        best = Math.min(best, performance.now() - begin)
      }
      return [id, (best * 1e6) / rows]
    }),
  )
}
