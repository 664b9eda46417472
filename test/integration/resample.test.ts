import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { resampleSql } from '../../src/gold/bars/resample.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { DuckDBSession } from '../../src/platform/duckdb/session.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import { Random } from '../../src/simulator/random.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

type Bar = { ms: number; open: number; high: number; low: number; close: number; volume: number; quote: number; count: number }

async function setUp(context: TestContext): Promise<{ archive: string; lakehouse: Lakehouse }> {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  return { archive, lakehouse: openLakehouse({ lake: join(folder, 'lake'), archive }) }
}

/** Writes bars as files of days. */
async function write(
  archive: string,
  symbol: string,
  interval: '1m' | '1h',
  bars: readonly Bar[],
  market: 'spot' | 'um' = 'spot',
): Promise<void> {
  const length = interval === '1m' ? MINUTE : HOUR
  for (const [date, day] of Map.groupBy(bars, ({ ms }) => new Date(ms).toISOString().slice(0, 10))) {
    const lines = day.map((b) =>
      [
        b.ms,
        b.open,
        b.high,
        b.low,
        b.close,
        b.volume.toFixed(8),
        b.ms + length - 1,
        b.quote.toFixed(8),
        b.count,
        (b.volume / 2).toFixed(8),
        (b.quote / 2).toFixed(8),
        0,
      ].join(','),
    )
    await writeObject(
      archive,
      printArchiveKey({ market, dataset: 'klines', symbol, interval, period: 'daily', date }),
      Buffer.from(`${lines.join('\n')}\n`),
      [],
    )
  }
}

function walk(seed: string, start: number, length: number, rows: number): Bar[] {
  const random = new Random(seed)
  let price = 100
  return Array.from({ length: rows }, (_, n) => {
    const open = price
    price = Number((price * Math.exp(0.002 * random.normal())).toFixed(2))
    const count = random.integer(5)
    const volume = count === 0 ? 0 : (2 * random.integer(5e8)) / 1e8
    const [high, low] = count === 0 ? [price, price] : [Math.max(open, price) + 0.1, Math.min(open, price) - 0.1]
    return {
      ms: start + n * length,
      open: count === 0 ? price : open,
      high,
      low,
      close: price,
      volume,
      quote: Number((volume * 100).toFixed(8)),
      count,
    }
  })
}

test('zone days have 23 and 25 hours at clock changes; weeks start on Monday', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  // New York changes its clocks on 10 March and 3 November 2024.
  const hours = [...walk('march', Date.UTC(2024, 2, 8), HOUR, 96), ...walk('november', Date.UTC(2024, 10, 1), HOUR, 120)]
  await write(archive, 'AAAUSDT', '1h', hours)
  await ingestKlines(lakehouse, { layers: ['bronze', 'silver'] })
  const bars = (more: string) =>
    lakehouse.select(
      `SELECT open_time, bars_expected::INTEGER AS expected, bars_held::INTEGER AS held, is_complete FROM resample('silver.binance_spot_klines_1h', 'AAAUSDT', ${more}) WHERE is_complete ORDER BY open_time`,
    )
  const days = await bars("'1d', zone := 'America/New_York'")
  assert.deepEqual(
    days.map(({ open_time, expected }) => [(open_time as Date).toISOString(), expected]),
    [
      ['2024-03-08T05:00:00.000Z', 24],
      ['2024-03-09T05:00:00.000Z', 24],
      ['2024-03-10T05:00:00.000Z', 23],
      ['2024-11-01T04:00:00.000Z', 24],
      ['2024-11-02T04:00:00.000Z', 24],
      ['2024-11-03T04:00:00.000Z', 25],
      ['2024-11-04T05:00:00.000Z', 24],
    ],
  )
  // Where clocks go forward at midnight the day begins at one o'clock.
  await write(archive, 'BBBUSDT', '1h', walk('midnight', Date.UTC(2018, 10, 2), HOUR, 96))
  await ingestKlines(lakehouse, { layers: ['bronze', 'silver'] })
  const midnight = await lakehouse.select(
    "SELECT open_time, close_time, bars_expected::INTEGER AS expected FROM resample('silver.binance_spot_klines_1h', 'BBBUSDT', '1d', zone := 'America/Sao_Paulo') WHERE is_complete ORDER BY open_time",
  )
  assert.deepEqual(
    midnight.map(({ open_time, expected }) => [(open_time as Date).toISOString(), expected]),
    [
      ['2018-11-02T03:00:00.000Z', 24],
      ['2018-11-03T03:00:00.000Z', 24],
      ['2018-11-04T03:00:00.000Z', 23],
    ],
  )
  const [week] = await lakehouse.select(
    "SELECT open_time, bars_expected::INTEGER AS expected FROM resample('silver.binance_spot_klines_1h', 'AAAUSDT', '1w', zone := 'America/New_York') ORDER BY open_time DESC",
  )
  assert.deepEqual([(week?.['open_time'] as Date | undefined)?.toISOString(), week?.['expected']], ['2024-11-04T05:00:00.000Z', 168])
  const moved = await bars("'4h', start_offset := '1h'")
  assert.ok(moved.every(({ open_time }) => (open_time as Date).getUTCHours() % 4 === 1))
  for (const wrong of [
    "'7x'",
    "'4h', zone := 'Mars/Olympus'",
    "'7m', zone := 'Europe/Berlin'",
    "'1h', start_offset := '2h'",
    "'0m'",
    "'90m'",
    "'4h', start_offset := '30m'",
    "'1d', zone := 'Asia/Kolkata'",
  ])
    await assert.rejects(bars(wrong), { code: 'USAGE' }, wrong)
  await assert.rejects(lakehouse.select("SELECT * FROM resample('silver.binance_spot_klines_1h', 'AAAUSDT')"), { code: 'SQL_INVALID' })
  await assert.rejects(lakehouse.select("SELECT * FROM resample('silver.findings', '*', '1h')"), { code: 'INDICATOR_INVALID' })
})

test('prices and sums come from minutes with trades, with every way of adding', async (context) => {
  const session = await DuckDBSession.open({ threads: 1, memoryLimitMb: 500, temporaryDirectory: await temporaryFolder(context) })
  const random = new Random('sums')
  for (const [scale, digits] of [
    [50, 8],
    [1e3, 8],
    [1e6, 8],
    [1.5e7, 8],
    [5e9, 3],
  ] as const) {
    const amounts = Array.from({ length: 240 }, () => Number((random.uniform() * scale).toFixed(digits)))
    const rows = amounts.map(
      (amount, n) =>
        `('S', make_timestamptz(${n * 60_000_000}::BIGINT), make_timestamptz(${n * 60_000_000 + 59_999_000}::BIGINT), 1, 2, 0.5, 1.5, ${amount}::DOUBLE, ${amount}::DOUBLE, 3, ${amount}::DOUBLE, ${amount}::DOUBLE)`,
    )
    const names =
      'symbol, open_time, close_time, open, high, low, close, volume, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume'
    await session.run(`CREATE OR REPLACE TEMP TABLE fine AS SELECT * FROM (VALUES ${rows.join(', ')}) AS v(${names})`)
    const largest = new Map([
      ['volume', Math.max(...amounts)],
      ['quote_volume', Math.max(...amounts, 1.9e7)],
      ['taker_buy_volume', Math.max(...amounts, 1e5)],
    ])
    const sql = resampleSql(
      { exchange: 'binance', market: 'spot' },
      { rows: 'FROM fine', us: 60_000_000, name: '1m', areTrades: false, origin: "'archive'", largest },
      { us: 3_600_000_000, offsetUs: 0 },
    )
    const bars = await session.rows(
      `SELECT volume, quote_volume, taker_buy_volume, taker_buy_quote_volume FROM (${sql}) ORDER BY open_time`,
    )
    for (const [hour, bar] of bars.entries()) {
      const exact = amounts
        .slice(hour * 60, hour * 60 + 60)
        .reduce((sum, amount) => sum + BigInt(`${amount.toFixed(digits).replace('.', '')}${'0'.repeat(8 - digits)}`), 0n)
      const text = exact.toString().padStart(9, '0')
      const expected = Number(`${text.slice(0, -8)}.${text.slice(-8)}`)
      for (const [name, value] of Object.entries(bar)) assert.equal(value, expected, `${name} of amounts up to ${scale}`)
    }
  }
  session.close()
})

test('bars by rows, volume or value lose nothing, split nothing and sum exactly', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  const minutes = walk('events', Date.UTC(2024, 0, 2), MINUTE, 1000)
  await write(archive, 'AAAUSDT', '1m', minutes)
  await write(archive, 'BBBUSDT', '1m', walk('others', Date.UTC(2024, 0, 2), MINUTE, 50))
  await ingestKlines(lakehouse, { layers: ['bronze', 'silver'] })
  for (const [rule, of] of [
    ['count:7', () => 1],
    ['volume:20', ({ volume }: Bar) => volume],
    ['quote:3000', ({ quote }: Bar) => quote],
  ] as const) {
    const [, size = 0] = rule.split(':').map(Number)
    const expected: Bar[][] = [[]]
    let sum = 0
    for (const bar of minutes) {
      expected.at(-1)?.push(bar)
      sum += Math.round(of(bar) * 1e8)
      if (sum < size * 1e8) continue
      expected.push([])
      sum = 0
    }
    const full = expected.filter((rows) => rows.length > 0)
    const bars = await lakehouse.select(
      `SELECT * FROM event_bars('silver.binance_spot_klines_1m', '*', '${rule}') WHERE symbol = 'AAAUSDT' ORDER BY bar`,
    )
    assert.equal(bars.length, full.length, rule)
    for (const [index, rows] of full.entries()) {
      const bar = bars[index] ?? {}
      const total = (pick: (row: Bar) => number) => rows.reduce((all, row) => all + Math.round(pick(row) * 1e8), 0) / 1e8
      assert.deepEqual(
        [
          Number(bar['bar']),
          bar['open'],
          bar['high'],
          bar['low'],
          bar['close'],
          bar['volume'],
          bar['quote_volume'],
          Number(bar['rows_held']),
        ],
        [
          index + 1,
          rows[0]?.open,
          Math.max(...rows.map(({ high }) => high)),
          Math.min(...rows.map(({ low }) => low)),
          rows.at(-1)?.close,
          total(({ volume }) => volume),
          total(({ quote }) => quote),
          rows.length,
        ],
        `${rule} bar ${index}`,
      )
    }
    assert.equal(bars.filter((bar) => bar['is_complete'] === false).length <= 1, true)
  }
  for (const wrong of ['count:0', 'count:1.5', 'trades:3', 'volume'])
    await assert.rejects(lakehouse.select(`SELECT * FROM event_bars('silver.binance_spot_klines_1m', '*', '${wrong}')`), { code: 'USAGE' })
})

test('segments split at relistings and have every bar, average prices and funding', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  const start = Date.UTC(2024, 0, 1)
  const plain = (ms: number, price: number, volume = 2): Bar => ({
    ms,
    open: price,
    high: price + 1,
    low: price - 1,
    close: price,
    volume,
    quote: volume * (price + 5),
    count: 3,
  })
  const bars = Array.from({ length: 10 * 24 }, (_, hour) => plain(start + hour * HOUR, 100)).filter(
    (_, hour) => hour < 30 || (hour > 33 && hour < 60) || (hour > 90 && hour < 120) || hour > 180,
  )
  // Back after 31 hours at another price; and after more than two days at the same one.
  const series = bars.map((bar) => (bar.ms >= start + 91 * HOUR ? plain(bar.ms, 150) : bar))
  await write(archive, 'AAAUSDT', '1h', series, 'um')
  const funding = [0, 8, 16].map((hour) => `${start + hour * HOUR + 3},8,0.000${hour}1`)
  await writeObject(
    archive,
    printArchiveKey({ market: 'um', dataset: 'fundingRate', symbol: 'AAAUSDT', interval: undefined, period: 'monthly', date: '2024-01' }),
    Buffer.from(`calc_time,funding_interval_hours,last_funding_rate\n${funding.join('\n')}\n`),
    [],
  )
  const silence = { onProgress: () => {}, onNotice: () => {} }
  await lakehouse.ingest({
    types: ['klines', 'fundingRate'],
    markets: [],
    symbols: [],
    intervals: [],
    range: undefined,
    layers: new Set(['bronze', 'silver']),
    ...silence,
  })
  const call = "segments('silver.binance_um_klines_1h', '*')"
  const parts = await lakehouse.select(
    `SELECT segment, count(*)::INTEGER AS n, count(*) FILTER (is_filled)::INTEGER AS filled, min(open_time) AS first FROM ${call} GROUP BY segment ORDER BY first`,
  )
  assert.deepEqual(
    parts.map(({ segment, n, filled, first }) => [segment, n, filled, ((first as Date).getTime() - start) / HOUR]),
    [
      ['SP0_AAAUSDT', 60, 4, 0],
      ['SP1_AAAUSDT', 29, 0, 91],
      ['AAAUSDT', 59, 0, 181],
    ],
  )
  const [filled] = await lakehouse.select(`SELECT open, high, low, close, volume, vwap, is_filled FROM ${call} WHERE is_filled LIMIT 1`)
  assert.deepEqual(filled, { open: 100, high: 100, low: 100, close: 100, volume: 0, vwap: 100, is_filled: true })
  const [clipped] = await lakehouse.select(`SELECT vwap, high FROM ${call} WHERE NOT is_filled LIMIT 1`)
  assert.deepEqual([clipped?.['vwap'], clipped?.['high']], [101, 101], 'the average price lies above the high, and is brought back to it')
  const rates = await lakehouse.select(
    `SELECT funding_rate AS rate FROM ${call} WHERE open_time < '2024-01-02' AND funding_rate <> 0 ORDER BY open_time`,
  )
  assert.deepEqual(
    rates.map(({ rate }) => rate),
    [0.00001, 0.00081, 0.000161],
  )
})
