import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { prepareReaders } from '../../scripts/readers.ts'
import { memoryOf, recall } from '../../src/gold/indicators/compute-indicators.ts'
import type { InputName } from '../../src/gold/indicators/indicator.ts'
import { parseIndicators } from '../../src/gold/indicators/indicator-spec.ts'
import { INDICATORS } from '../../src/gold/indicators/registry.ts'
import { runKernel } from '../../src/gold/indicators/run-indicator.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import { Random } from '../../src/simulator/random.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import { formatOf } from '../../src/sources/series.ts'
import { temporaryFolder } from '../support/folders.ts'
import { type Bars, compareWithOracles, indicatorValues, randomBars } from '../support/indicator-parity.ts'
import { leftovers, liveState } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

before(prepareReaders)

test('values and warm-up equal TA-Lib or the formula to one part in a billion', async (context) => {
  for (const { spec, error, differingNulls } of await compareWithOracles(await temporaryFolder(context), 10)) {
    assert.ok(error <= 1e-9, `${spec} is off by ${error}`)
    assert.equal(differingNulls, 0, `${spec} begins after its warm-up`)
  }
})

test('typical prices that are equal as decimals are equal for the money flow index', () => {
  const rows = 400
  const random = new Random('ticks')
  const bars = randomBars('ticks', rows)
  const sums: number[] = []
  for (let row = 0; row < rows; row++) {
    // Prices in whole tenths: of few values, so that ties abound.
    const [low, high] = [1000 + random.integer(4), 1004 + random.integer(4)]
    const close = low + random.integer(high - low + 1)
    ;[bars.low[row], bars.high[row], bars.close[row]] = [low / 10, high / 10, close / 10]
    sums.push(low + high + close)
  }
  const values = indicatorValues('mfi(14)', bars)[0] ?? []
  let ties = 0
  for (let row = 14; row < rows; row++) {
    let [gained, all] = [0, 0]
    for (let at = row - 13; at <= row; at++) {
      const [before, price] = [sums[at - 1] ?? 0, sums[at] ?? 0]
      if (price === before) ties++
      const flow = price === before ? 0 : price * (bars.volume[at] ?? 0)
      all += flow
      if (price > before) gained += flow
    }
    assert.ok(Math.abs((values[row] ?? 0) - (100 * gained) / all) < 1e-9, `row ${row}`)
  }
  assert.ok(ties > 100)
})

test('deviations and correlations are right after a fall of the price to a ten-thousandth', () => {
  const rows = 200
  const bars = randomBars('fall', rows)
  const benchmark = randomBars('other', rows).close
  for (let row = 0; row < rows; row++) {
    const scale = row < 70 ? 1 : row < 140 ? 1e-4 : 1e-9
    bars.close[row] = (bars.close[row] ?? 0) * scale
    bars.benchmark[row] = (benchmark[row] ?? 0) * scale
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const product = (a: number[], b: number[]) => mean(a.map((value, at) => (value - mean(a)) * ((b[at] ?? 0) - mean(b))))
  for (const period of [5, 20]) {
    const [upper, middle] = indicatorValues(`bollinger(${period})`, bars)
    const [zscore] = indicatorValues(`zscore(${period})`, bars)
    const [correlation] = indicatorValues(`correlation(${period})`, bars)
    for (let row = period - 1; row < rows; row++) {
      const [x, y] = [bars.close, bars.benchmark].map((column) => [...column.subarray(row - period + 1, row + 1)]) as [number[], number[]]
      const deviation = Math.sqrt(product(x, x))
      const expected = {
        distance: [((upper?.[row] ?? 0) - (middle?.[row] ?? 0)) / 2, deviation],
        zscore: [zscore?.[row] ?? 0, ((x.at(-1) ?? 0) - mean(x)) / deviation],
        correlation: [correlation?.[row] ?? 0, product(x, y) / deviation / Math.sqrt(product(y, y))],
      }
      for (const [name, [ours, exact]] of Object.entries(expected) as [string, [number, number]][])
        assert.ok(
          Math.abs(ours - exact) <= 1e-9 * Math.max(Math.abs(exact), name === 'distance' ? 0 : 1),
          `${name}(${period}) row ${row}: ${ours}, not ${exact}`,
        )
    }
  }
})

test('a series divided at any row, with saved memory, gives the same bits', () => {
  for (const indicator of INDICATORS) {
    const parameters = Object.fromEntries(Object.entries(indicator.parameters).map(([name, { default: usual }]) => [name, usual]))
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 12 }),
        fc.boolean(),
        (seed, cuts, isHoled) => {
          const rows = cuts.reduce((sum, cut) => sum + cut, 0)
          const bars = randomBars(`cut:${seed}`, rows, seed % 3 === 0)
          if (isHoled) for (let row = 3; row < rows; row += 7) bars.close[row] = Number.NaN
          const inputs = indicator.inputs.map((name) => bars[name])
          const whole = indicator.outputs.map(() => new Float64Array(rows))
          runKernel(indicator.create(parameters), inputs, whole, rows)
          const pieces = indicator.outputs.map(() => new Float64Array(rows))
          let memory = new Float64Array(0)
          let from = 0
          for (const cut of cuts) {
            const kernel = indicator.create(parameters)
            recall([kernel], memory.length === 0 ? undefined : memory)
            runKernel(
              kernel,
              inputs.map((input) => input.slice(from, from + cut)),
              pieces.map((output) => output.subarray(from, from + cut)),
              cut,
            )
            memory = new Float64Array(memoryOf([kernel]))
            from += cut
          }
          for (const [column, output] of whole.entries())
            for (const [row, value] of output.entries())
              assert.ok(
                Object.is(pieces[column]?.[row], value),
                `${indicator.id} ${indicator.outputs[column]} row ${row}: ${pieces[column]?.[row]} in pieces, ${value} at once`,
              )
        },
      ),
      { numRuns: 15, examples: [[766142, [33, 15, 37, 15, 51, 6, 59, 58, 43, 42, 27], false]] },
    )
  }
})

test('constant series, one bar, no trades and holes have defined values', () => {
  const rows = 120
  const flat = randomBars('flat', rows)
  for (const name of ['open', 'high', 'low', 'close', 'benchmark'] as const) flat[name].fill(7)
  const last = (spec: string, bars = flat) => indicatorValues(spec, bars).map((column) => column[rows - 1])
  assert.deepEqual(last('rsi(14)'), [0])
  assert.deepEqual(last('bollinger(20)'), [7, 7, 7])
  assert.deepEqual(last('zscore(20)'), [Number.NaN])
  assert.deepEqual(last('atr(14)'), [0])
  assert.deepEqual(last('williams_r(14)'), [0])
  assert.deepEqual(last('stochastic'), [0, 0])
  assert.deepEqual(last('cci(14)'), [0])
  assert.deepEqual(last('correlation(30)'), [0])
  assert.deepEqual(last('beta(30)'), [0])
  assert.deepEqual(last('realised_volatility(20)'), [0])
  assert.deepEqual(last('adx(14)'), [0])
  assert.deepEqual(last('donchian(20)'), [7, 7, 7])
  const rising = randomBars('rising', rows)
  for (let row = 0; row < rows; row++) rising.close[row] = 100 + row
  assert.equal(indicatorValues('rsi(14)', rising)[0]?.[rows - 1], 100)
  const quiet = randomBars('quiet', rows)
  quiet.volume.fill(0)
  quiet.quote_volume.fill(0)
  for (const spec of ['vwap', 'rolling_vwap(20)', 'exact_vwap']) assert.deepEqual(last(spec, quiet), [Number.NaN], spec)
  assert.deepEqual([last('mfi(14)', quiet), last('obv', quiet)], [[0], [0]])
  // A row without a close is no row: the others have the values that they have without it.
  const holed = randomBars('holes', rows)
  const without = randomBars('holes', rows)
  holed.close[50] = Number.NaN
  for (const { id } of INDICATORS) {
    const dense = Object.fromEntries(
      Object.entries(without).map(([name, column]) => [name, column.filter((_, row) => row !== 50)]),
    ) as Record<InputName, Float64Array>
    const takesClose = INDICATORS.find((one) => one.id === id)?.inputs.includes('close') === true
    for (const [column, output] of indicatorValues(id, holed).entries()) {
      if (!takesClose) continue
      assert.ok(Number.isNaN(output[50]), `${id} has no value where there is no close`)
      assert.deepEqual([...output].toSpliced(50, 1), [...(indicatorValues(id, dense as Bars)[column] ?? [])], id)
    }
  }
  for (const { id, outputs } of INDICATORS) {
    const one = indicatorValues(id, randomBars('one', 1))
    assert.equal(one.length, outputs.length)
    const { lookback, parameters } = INDICATORS.find((other) => other.id === id) ?? { lookback: () => 0, parameters: {} }
    const usual = Object.fromEntries(Object.entries(parameters).map(([name, { default: value }]) => [name, value]))
    if (lookback(usual) > 0)
      assert.ok(
        one.every((column) => Number.isNaN(column[0])),
        `${id} says nothing of a first bar`,
      )
  }
})

test('an invalid indicator text fails with a message that says what to write', () => {
  const names = (spec: string) => parseIndicators(spec).flatMap(({ columns }) => columns)
  assert.deepEqual(names('rsi, macd(12,26,9), bollinger(width=2.5), EMA( 20 )'), [
    'rsi_14',
    'macd_12_26_9',
    'macd_signal_12_26_9',
    'macd_histogram_12_26_9',
    'bollinger_upper_20_2.5',
    'bollinger_middle_20_2.5',
    'bollinger_lower_20_2.5',
    'ema_20',
  ])
  for (const [spec, message] of [
    ['rsy(14)', /did you mean rsi/],
    ['rsi(0)', /period "0" is not valid: write a whole number from 2 to 100000/],
    ['rsi(1.5)', /whole number/],
    ['rsi(14, 3)', /no parameter number 2/],
    ['rsi(length=14)', /no parameter length: its parameters are period/],
    ['macd(12, fast=5)', /fast is given twice/],
    ['rsi(14', /is not an indicator/],
    ['', /the list of indicators is empty/],
    ['rsi(14), rsi(14)', /two indicators have the same column rsi_14/],
  ] as const)
    assert.throws(() => parseIndicators(spec), { code: 'INDICATOR_INVALID', message })
})

const HOUR = 3_600_000

async function writeDay(archive: string, symbol: string, day: number, shift = 0): Promise<void> {
  const start = Date.UTC(2024, 0, 1) + day * 24 * HOUR
  const random = new Random(`${symbol}:${day}:${shift}`)
  const lines = Array.from({ length: 24 }, (_, hour) => {
    const [open, close] = [100 + random.uniform(), 100 + random.uniform() + shift]
    const [ms, volume] = [start + hour * HOUR, 1 + random.integer(9)]
    return [
      ms,
      open,
      Math.max(open, close) + 0.1,
      Math.min(open, close) - 0.1,
      close,
      volume,
      ms + HOUR - 1,
      volume * 100,
      3,
      1,
      100,
      0,
    ].join(',')
  })
  const date = new Date(start).toISOString().slice(0, 10)
  await writeObject(
    archive,
    printArchiveKey({ market: 'spot', dataset: 'klines', symbol, interval: '1h', period: 'daily', date }),
    Buffer.from(`${lines.join('\n')}\n`),
    [],
  )
}

const TABLE = 'silver.binance_spot_klines_1h'
const SPEC = 'rsi(14), ema(20), macd(12, 26, 9), vwap, correlation(10)'

test('saved indicators equal a full computation; a change recomputes only what follows', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
  // Ninety days: four partitions of months.
  for (let day = 0; day < 95; day++) for (const symbol of ['AAAUSDT', 'BBBUSDT']) await writeDay(archive, symbol, day)
  await ingestKlines(lakehouse)
  const saved = await lakehouse.withGold(true, (gold) =>
    gold.saveIndicators({ name: 'features', source: TABLE, spec: SPEC, benchmark: 'BBBUSDT' }),
  )
  assert.deepEqual([saved.rowsWritten, saved.partitionsWritten], [95 * 48, 4])
  const call = `indicators('${TABLE}', 'AAAUSDT', '${SPEC}', 'BBBUSDT')`
  const columns = parseIndicators(SPEC).flatMap((one) => one.columns)
  const differing = async () =>
    (
      await lakehouse.select(
        `SELECT count(*)::INTEGER AS n, count(*) FILTER (${columns.map((name) => `f.${name} IS DISTINCT FROM c.${name}`).join(' OR ')})::INTEGER AS differing, count(f.rsi_14)::INTEGER AS rsi
         FROM gold.features f JOIN ${call} c ON c.open_time = f.open_time WHERE f.symbol = 'AAAUSDT'`,
      )
    )[0]
  assert.deepEqual(await differing(), { n: 95 * 24, differing: 0, rsi: 95 * 24 - 14 })
  const written = async (change: () => Promise<void>) => {
    await change()
    const before = await files()
    await ingestKlines(lakehouse, { layers: ['bronze', 'silver', 'gold'] })
    const after = await files()
    return [...after.keys()]
      .filter((path) => !before.has(path))
      .map((path) => after.get(path))
      .sort()
  }
  const files = async () => {
    const found = await lakehouse.withTables(false, (tables) => tables.files('gold.features'))
    return new Map(found.map(({ path, partition }) => [path, partition.replace(/^.*=/, '')]))
  }
  assert.deepEqual(await written(async () => {}), [])
  assert.deepEqual(await written(() => writeDay(archive, 'AAAUSDT', 70, 0.5)), ['2024-03', '2024-04'], 'a republished day of March')
  assert.deepEqual(await differing(), { n: 95 * 24, differing: 0, rsi: 95 * 24 - 14 })
  assert.deepEqual(await written(() => writeDay(archive, 'BBBUSDT', 3, 0.5)), ['2024-01', '2024-02', '2024-03', '2024-04'])
  assert.deepEqual(await written(() => writeDay(archive, 'AAAUSDT', 95)), ['2024-04'], 'a new day')
  assert.deepEqual(await differing(), { n: 96 * 24, differing: 0, rsi: 96 * 24 - 14 })
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
  await assert.rejects(
    lakehouse.withGold(true, (gold) => gold.saveIndicators({ name: 'features', source: TABLE, spec: 'sma(3)', benchmark: '' })),
    { code: 'USAGE' },
  )
  await assert.rejects(lakehouse.select("SELECT * FROM indicators('silver.nothing', 'AAAUSDT', 'sma(3)')"), { code: 'TABLE_NOT_FOUND' })
  await assert.rejects(lakehouse.select(`SELECT * FROM indicators('${TABLE}', 'AAAUSDT', 'beta(3)')`), { code: 'INDICATOR_INVALID' })
  await assert.rejects(lakehouse.select(`SELECT * FROM indicators('${TABLE}', 'AAAUSDT')`), { code: 'SQL_INVALID' })
  const [read] = await lakehouse.explain(`SELECT * FROM indicators('${TABLE}', 'AAAUSDT', 'sma(3)')`, undefined)
  assert.deepEqual([read?.table, read?.filesRead, read?.filesSkipped], [TABLE, 4, 0])
})

test('a new decoder rebuilds gold; a dropped table of indicators is not built again', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  for (let day = 0; day < 40; day++) await writeDay(archive, 'AAAUSDT', day)
  const kept = async (lake: string) => {
    const lakehouse = openLakehouse({ lake: join(folder, lake), archive })
    await ingestKlines(lakehouse)
    const made = await lakehouse.withGold(true, (gold) =>
      gold.saveIndicators({ name: 'kept', source: TABLE, spec: 'rsi(14), vwap', benchmark: '' }),
    )
    assert.equal(made.partitionsWritten, 2)
    return lakehouse
  }
  const lakehouse = await kept('lake')
  const before = await liveState(join(folder, 'lake'))
  const klines = formatOf({ exchange: 'binance', market: 'spot', dataset: 'klines' })
  const { decoderVersion } = klines
  context.after(() => Object.assign(klines, { decoderVersion }))
  Object.assign(klines, { decoderVersion: decoderVersion + 1 })
  await ingestKlines(lakehouse)
  await kept('scratch')
  const [after, scratch] = [await liveState(join(folder, 'lake')), await liveState(join(folder, 'scratch'))]
  const gold = (state: Record<string, string>) => Object.fromEntries(Object.entries(state).filter(([key]) => !key.startsWith('bronze/')))
  assert.deepEqual(gold(after), gold(scratch))
  const made = Object.keys(after).filter((key) => key.startsWith('gold/kept/') && !(key in before))
  assert.equal(made.length, 2)
  const removed = await lakehouse.withGold(true, (one) => one.dropIndicators('kept'))
  assert.ok(removed > 4)
  await ingestKlines(lakehouse)
  const names = (await lakehouse.status()).tables.map(({ name }) => name)
  assert.ok(!names.includes('gold.kept') && names.includes('gold.universe'))
  assert.deepEqual(await lakehouse.select("SELECT * FROM gold.indicator_memory WHERE table_name = 'gold.kept'"), [])
  assert.deepEqual(await leftovers(join(folder, 'lake')), [])
  await assert.rejects(
    lakehouse.withGold(true, (one) => one.dropIndicators('kept')),
    { code: 'TABLE_NOT_FOUND' },
  )
  for (const name of ['universe', 'universe/data', '../gold/universe', 'binance_spot_bars_4h', 'indicator_memory'])
    await assert.rejects(
      lakehouse.withGold(true, (one) => one.dropIndicators(name)),
      { code: 'USAGE' },
    )
  assert.equal((await lakehouse.select('SELECT symbol FROM gold.universe')).length, 1)
})
