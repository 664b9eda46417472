import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Interval } from '../../src/core/interval.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const START = Date.UTC(2024, 0, 2)
const FIVE = 'silver.binance_spot_klines_5m'
const ALL = { range: undefined, symbols: 'true', limit: 1000 }

type Bar = { ms: number; open: number; high: number; low: number; close: number; volume: number; count: number }

/** Minutes that go up and down, with amounts of eight decimals. */
const minutes: Bar[] = Array.from({ length: 1440 }, (_, n) => {
  const [open, close] = [100 + (n % 7), 100 + ((n * 3) % 11)]
  return {
    ms: START + n * MINUTE,
    open,
    high: Math.max(open, close) + 1,
    low: Math.min(open, close) - 1,
    close,
    volume: n + 0.00000002 * n,
    count: n % 13,
  }
})

const text = ({ ms, open, high, low, close, volume, count }: Bar, length: number) =>
  [
    ms,
    open,
    high,
    low,
    close,
    volume.toFixed(8),
    ms + length - 1,
    (volume * 100).toFixed(8),
    count,
    (volume / 2).toFixed(8),
    (volume * 50).toFixed(8),
    0,
  ].join(',')

function fives(): Bar[] {
  return Array.from({ length: 288 }, (_, n) => {
    const five = minutes.slice(n * 5, n * 5 + 5)
    const traded = five.filter(({ count }) => count > 0)
    return {
      ms: five[0]?.ms ?? 0,
      open: traded[0]?.open ?? 0,
      high: Math.max(...traded.map(({ high }) => high)),
      low: Math.min(...traded.map(({ low }) => low)),
      close: traded.at(-1)?.close ?? 0,
      volume: five.reduce((sum, { volume }) => sum + Math.round(volume * 1e8), 0) / 1e8,
      count: five.reduce((sum, { count }) => sum + count, 0),
    }
  })
}

async function write(archive: string, interval: Interval, bars: readonly Bar[], length: number): Promise<void> {
  const key = printArchiveKey({ market: 'spot', dataset: 'klines', symbol: 'AAAUSDT', interval, period: 'daily', date: '2024-01-02' })
  await writeObject(archive, key, Buffer.from(`${bars.map((bar) => text(bar, length)).join('\n')}\n`), [])
}

async function setUp(context: TestContext): Promise<{ archive: string; lakehouse: Lakehouse }> {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  return { archive, lakehouse: openLakehouse({ lake: join(folder, 'lake'), archive }) }
}

const fill = (lakehouse: Lakehouse, write: boolean, synthetic = false) =>
  lakehouse.withQuality(write, (quality) => quality.fillGaps([FIVE], { ...ALL, write, synthetic }))

const rows = (lakehouse: Lakehouse) =>
  lakehouse.select(
    `SELECT epoch_ms(open_time)::DOUBLE AS ms, open, high, low, close, volume, trade_count::INTEGER AS count, source, source_object FROM ${FIVE} ORDER BY open_time`,
  )

test('bars that are missing are made of finer ones, say so, and are made again after their partition was', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  const every = fives()
  const isMissing = (n: number) => (n >= 40 && n < 50) || n === 200
  // Of the bars that are missing, two cannot be made: a minute of theirs is missing as well.
  await write(
    archive,
    '1m',
    minutes.filter((_, n) => n !== 203 && n !== 1003),
    MINUTE,
  )
  await write(
    archive,
    '5m',
    every.filter((_, n) => !isMissing(n)),
    5 * MINUTE,
  )
  await ingestKlines(lakehouse)
  const [plan] = await fill(lakehouse, false)
  assert.deepEqual(
    plan?.steps.map(({ gapStart, cause, method, source, rows, status }) => [gapStart, cause, method, source, rows, status]),
    [
      ['2024-01-02T03:20:00Z', 'archive_hole', 'api', null, 1, 'open'],
      ['2024-01-02T03:20:00Z', 'archive_hole', 'finer_bars', 'silver.binance_spot_klines_1m', 9, 'planned'],
      ['2024-01-02T16:40:00Z', 'archive_hole', 'api', null, 1, 'open'],
    ],
  )
  assert.equal((await rows(lakehouse)).length, 277, 'a plan changes nothing')
  assert.ok((plan?.bytesRead ?? 0) > 0)
  assert.equal((await fill(lakehouse, true))[0]?.rowsFilled, 9)
  const expected = every.flatMap(({ ms, open, high, low, close, volume, count }, n) =>
    n === 40 || n === 200
      ? []
      : [
          {
            ms,
            open,
            high,
            low,
            close,
            volume,
            count,
            ...(isMissing(n) ? { source: 'derived', source_object: 'silver.binance_spot_klines_1m' } : {}),
          },
        ],
  )
  const withoutArchive = (found: Record<string, unknown>[]) =>
    found.map(({ source, source_object, ...bar }) => (source === 'archive' ? bar : { ...bar, source, source_object }))
  assert.deepEqual(withoutArchive(await rows(lakehouse)), expected)
  const fills = () => lakehouse.select('SELECT method, row_count::INTEGER AS n, status FROM silver.fills ORDER BY ALL')
  assert.deepEqual(await fills(), [
    { method: 'api', n: 1, status: 'open' },
    { method: 'api', n: 1, status: 'open' },
    { method: 'finer_bars', n: 9, status: 'filled' },
  ])
  // Again: nothing to do, and nothing is forgotten.
  assert.equal((await fill(lakehouse, true))[0]?.rowsFilled, 0)
  assert.deepEqual((await fills()).at(-1), { method: 'finer_bars', n: 9, status: 'filled' })
  const { counts } = await ingestKlines(lakehouse, { layers: ['silver'] })
  assert.equal(counts.partitionsWritten, 0, 'what fills gaps is no reason to build again')
  // The file is republished with four of the bars: these are the archive's now, the others are made again.
  await write(
    archive,
    '5m',
    every.filter((_, n) => !isMissing(n) || n < 44),
    5 * MINUTE,
  )
  const { findings } = await ingestKlines(lakehouse)
  assert.deepEqual(
    findings.filter(({ check }) => check === 'gaps_filled').map(({ count }) => count),
    [6],
  )
  const after = await rows(lakehouse)
  assert.deepEqual([after.length, after.filter(({ source }) => source === 'derived').length], [287, 6])
  assert.deepEqual((await fills()).at(-1), { method: 'finer_bars', n: 6, status: 'filled' })
  const assessed = await lakehouse.withQuality(true, (quality) => quality.assess([FIVE]))
  assert.deepEqual(
    assessed[0]?.findings.filter(({ check }) => check === 'derived_rows' || check === 'bars_sum').map(({ check, count }) => [check, count]),
    [['derived_rows', 6]],
  )
  const [origin] = await lakehouse.withQuality(false, (quality) =>
    quality.explainRow(FIVE, { symbol: 'AAAUSDT', at: (START + 45 * 5 * MINUTE) * 1000, id: undefined }),
  )
  assert.deepEqual([origin?.source, origin?.object, origin?.line], ['derived', 'silver.binance_spot_klines_1m', null])
})

test('bars that trades prove are made of them; only on request the last close is carried on', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  // Minutes 10, 20, 30 and 31 are missing. Trades: one before, one after, and two in each but minute 31; of minute 20 a number is missing.
  await write(
    archive,
    '1m',
    minutes.filter((_, n) => ![10, 20, 30, 31].includes(n)),
    MINUTE,
  )
  const at = (n: number) => START + n * MINUTE + 5000
  const trades: [id: number, price: number, qty: number, ms: number, maker: boolean][] = [
    [1, 99, 1, at(9), true],
    [2, 100, 0.1, at(10), true],
    [3, 101, 0.2, at(10) + 1, false],
    [4, 102, 1, at(11), false],
    [5, 100, 1, at(20), true],
    [7, 100, 1, at(20), true],
    [8, 100, 1, at(29), true],
    [9, 103, 2, at(30), true],
    [10, 102, 3, at(32), false],
    [11, 102, 3, START + DAY - 1, false],
  ]
  const key = printArchiveKey({
    market: 'spot',
    dataset: 'trades',
    symbol: 'AAAUSDT',
    interval: undefined,
    period: 'daily',
    date: '2024-01-02',
  })
  const lines = trades.map(([id, price, qty, ms, maker]) =>
    [id, price, qty, (price * qty).toFixed(8), ms, maker ? 'True' : 'False', 'True'].join(','),
  )
  await writeObject(archive, key, Buffer.from(`${lines.join('\n')}\n`), [])
  const silence = { onProgress: () => {}, onNotice: () => {} }
  await lakehouse.ingest({
    types: ['klines', 'trades'],
    markets: [],
    symbols: [],
    intervals: [],
    range: undefined,
    layers: new Set(['bronze', 'silver']),
    ...silence,
  })
  const minute = 'silver.binance_spot_klines_1m'
  const gaps = await lakehouse.withQuality(false, (quality) => quality.gaps([minute], ALL))
  assert.deepEqual(
    gaps.get(minute)?.gaps.map(({ gapStart, cause }) => [gapStart.slice(11, 16), cause]),
    [
      ['00:10', 'archive_hole'],
      ['00:20', 'archive_hole'],
      ['00:30', 'archive_hole'],
    ],
  )
  const [filled] = await lakehouse.withQuality(true, (quality) => quality.fillGaps([minute], { ...ALL, write: true, synthetic: false }))
  assert.equal(filled?.rowsFilled, 2)
  const made = () =>
    lakehouse.select(
      `SELECT strftime(open_time, '%H:%M') AS at, open, high, low, close, volume, trade_count::INTEGER AS n, taker_buy_volume AS taker, source FROM ${minute} WHERE source <> 'archive' ORDER BY open_time`,
    )
  const bars = [
    { at: '00:10', open: 100, high: 101, low: 100, close: 101, volume: 0.3, n: 2, taker: 0.2, source: 'derived' },
    { at: '00:30', open: 103, high: 103, low: 103, close: 103, volume: 2, n: 1, taker: 0, source: 'derived' },
  ]
  assert.deepEqual(await made(), bars)
  // Minute 31 alone is a gap now, in which the numbers of trades go on.
  const quiet = (await lakehouse.withQuality(false, (quality) => quality.gaps([minute], ALL))).get(minute)?.gaps
  assert.deepEqual(
    quiet?.map(({ gapStart, cause }) => [gapStart.slice(11, 16), cause]),
    [
      ['00:20', 'archive_hole'],
      ['00:31', 'no_trades'],
    ],
  )
  await lakehouse.withQuality(true, (quality) => quality.fillGaps([minute], { ...ALL, write: true, synthetic: true }))
  const flat = (at: string, close: number) => ({
    at,
    open: close,
    high: close,
    low: close,
    close,
    volume: 0,
    n: 0,
    taker: 0,
    source: 'synthetic',
  })
  assert.deepEqual(await made(), [bars[0], flat('00:20', minutes[19]?.close ?? 0), bars[1], flat('00:31', 103)])
})
