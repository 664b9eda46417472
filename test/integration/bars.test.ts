import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Interval } from '../../src/core/interval.ts'
import { smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const AMOUNTS = {
  spot: 'volume, quote_volume, taker_buy_volume, taker_buy_quote_volume',
  cm: 'contracts, base_volume, taker_buy_contracts, taker_buy_base_volume',
} as const

for (const market of ['spot', 'cm'] as const) {
  test(`${market}: bars from 1m klines equal the published bars bit for bit`, async (context) => {
    const folder = await temporaryFolder(context)
    const intervals: Interval[] = ['1m', '5m', '15m', '1h', '4h', '1d', '1w', '1mo']
    const archive = join(folder, 'archive')
    const symbol = market === 'spot' ? 'BTCUSDT' : 'BTCUSD_PERP'
    // Ten weeks over a year's end; the last day of the week file is a Sunday.
    await smallArchive(archive, {
      market,
      symbols: [symbol],
      intervals,
      start: Date.UTC(2023, 10, 1),
      days: 92,
      tradesPerDay: 900,
      periods: ['daily', 'monthly'],
    })
    const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
    await ingestKlines(lakehouse, { intervals: ['1m'] })
    const published = openLakehouse({ lake: join(folder, 'published'), archive })
    await ingestKlines(published, { layers: ['bronze', 'silver'] })
    for (const interval of intervals.slice(1)) {
      const columns = `open_time, close_time, open, high, low, close, trade_count, ${AMOUNTS[market]}`
      const theirs = await published.select(`SELECT ${columns} FROM silver.binance_${market}_klines_${interval} ORDER BY open_time`)
      const ours = await lakehouse.select(`SELECT ${columns} FROM gold.binance_${market}_bars_${interval} ORDER BY open_time`)
      const known = new Map(ours.map((row) => [String(row['open_time']), row]))
      assert.ok(theirs.length > 0, interval)
      // The first week began before the archive did: its published bar holds what there was, as ours does.
      for (const row of theirs) assert.deepEqual(known.get(String(row['open_time'])), row, `${interval} ${row['open_time']}`)
    }
    const [state] = await lakehouse.select(
      `SELECT count(*) FILTER (NOT is_complete) AS partial, min(bars_held) AS held FROM gold.binance_${market}_bars_1w WHERE open_time < '2024-01-29'`,
    )
    assert.deepEqual([Number(state?.['partial']), Number(state?.['held'])], [1, 5 * 1440])
  })
}

test('a bar that lacks klines is kept, with the numbers held and expected', async (context) => {
  const folder = await temporaryFolder(context)
  const key = 'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-30.zip'
  await smallArchive(join(folder, 'archive'), {
    symbols: ['BTCUSDT'],
    days: 1,
    defects: new Map([[key, [{ kind: 'missing-lines', from: 61, count: 3 }]]]),
  })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  const rows = await lakehouse.select(
    'SELECT open_time, bars_held, bars_expected, source_interval FROM gold.binance_spot_bars_5m WHERE NOT is_complete',
  )
  assert.deepEqual(
    rows.map((row) => [row['open_time'], Number(row['bars_held']), Number(row['bars_expected']), row['source_interval']]),
    [[new Date(Date.UTC(2024, 0, 30, 1)), 2, 5, '1m']],
  )
})

test('a bar uses the most complete source interval; of equals, the finest', async (context) => {
  const folder = await temporaryFolder(context)
  const key = 'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-30.zip'
  await smallArchive(join(folder, 'archive'), {
    symbols: ['BTCUSDT'],
    days: 2,
    intervals: ['1m', '1h'],
    defects: new Map([[key, [{ kind: 'missing-lines', from: 200, count: 300 }]]]),
  })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  const rows = await lakehouse.select('SELECT source_interval, is_complete FROM gold.binance_spot_bars_1d ORDER BY open_time')
  assert.deepEqual(
    rows.map((row) => [row['source_interval'], row['is_complete']]),
    [
      ['1h', true],
      ['1m', true],
    ],
  )
})

test('only bars whose klines changed are built again', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, { symbols: ['BTCUSDT'], start: Date.UTC(2024, 0, 30), days: 2, tradesPerDay: 200 })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
  await ingestKlines(lakehouse)
  await smallArchive(archive, { symbols: ['BTCUSDT'], start: Date.UTC(2024, 0, 30), days: 4, tradesPerDay: 200 })
  const { counts } = await ingestKlines(lakehouse)
  // February of one silver table and of four intraday bar tables; the year of 1d, 1w and 1mo.
  assert.equal(counts.partitionsWritten, 1 + 4 + 3)
})
