import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { AGGREGATIONS } from '../../src/gold/aggregations/registry.ts'
import { LAYERS } from '../../src/lake/layout.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { writeArchive, writeObject } from '../../src/simulator/archive.ts'
import { Random } from '../../src/simulator/random.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'

const BORDER = Date.UTC(2024, 1, 1)
const TYPES = ['klines', 'markPriceKlines', 'indexPriceKlines', 'premiumIndexKlines', 'fundingRate', 'metrics', 'bookDepth'] as const

/** A lake of the same days up to a border, and of days after it that a seed makes. */
async function lake(folder: string, future: string): Promise<Lakehouse> {
  const archive = join(folder, `archive-${future}`)
  const series = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'].map((symbol) => ({
    market: 'um' as const,
    symbol,
    types: TYPES,
    intervals: ['1h'] as const,
  }))
  const common = { series, tradesPerDay: 300, periods: ['daily', 'monthly'] as ('daily' | 'monthly')[] }
  await writeArchive(archive, { ...common, seed: 'past', start: BORDER - 3 * 86_400_000, days: 3 })
  await writeArchive(archive, { ...common, seed: future, start: BORDER, days: 3 })
  for (const { symbol } of series)
    for (const [date, seed] of [
      ['2024-01', 'past'],
      ['2024-02', future],
    ] as const) {
      const random = new Random(`${symbol}:${seed}`)
      const start = date === '2024-01' ? BORDER - 3 * 86_400_000 : BORDER
      const lines = Array.from({ length: 9 }, (_, n) => `${start + n * 28_800_000 + 2},8,${(random.normal() / 1e4).toFixed(8)}`)
      const key = printArchiveKey({ market: 'um', dataset: 'fundingRate', symbol, interval: undefined, period: 'monthly', date })
      await writeObject(archive, key, Buffer.from(`calc_time,funding_interval_hours,last_funding_rate\n${lines.join('\n')}\n`), [])
    }
  const lakehouse = openLakehouse({ lake: join(folder, `lake-${future}`), archive })
  const everything = { types: TYPES, markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(LAYERS) }
  await lakehouse.ingest({ ...everything, onProgress: () => {}, onNotice: () => {} })
  return lakehouse
}

test('no row of an aggregation depends on later data', async (context) => {
  const folder = await temporaryFolder(context)
  const [one, other] = [await lake(folder, 'rise'), await lake(folder, 'fall')]
  for (const { id } of AGGREGATIONS) {
    const rows = (lakehouse: Lakehouse, where: string) =>
      lakehouse.show(`SELECT * FROM aggregate('${id}', 'um') WHERE ${where} ORDER BY ALL`, undefined)
    const [head] = await rows(one, 'true')
    const time = head?.['open_time'] === undefined ? 'day' : 'open_time'
    const past = `${time} < '2024-02-01'`
    const before = await rows(one, past)
    assert.ok(before.length > 0, `${id} has rows of the past`)
    assert.deepEqual(await rows(other, past), before, id)
    assert.notDeepEqual(await rows(other, 'true'), await rows(one, 'true'), `${id} tells of the future as well`)
  }
})

test('aggregations compute the values that their names promise', async (context) => {
  const lakehouse = await lake(await temporaryFolder(context), 'plain')
  const bars = "silver.binance_um_klines_1h WHERE symbol = 'BTCUSDT' AND open_time >= '2024-01-30' AND open_time < '2024-01-31'"
  const [day] = await lakehouse.select("SELECT * FROM aggregate('daily_summary', 'um', 'BTC*', '2024-01-30', '2024-01-31')")
  const [sums] = await lakehouse.select(
    `SELECT max(high) AS high, min(low) AS low, round(sum(volume), 6) AS volume, arg_min(open, open_time) AS open, arg_max(close, open_time) AS close FROM ${bars}`,
  )
  assert.deepEqual(
    [day?.['high'], day?.['low'], Number(Number(day?.['volume']).toFixed(6)), day?.['open'], day?.['close']],
    Object.values(sums ?? {}),
  )
  const profile = await lakehouse.select(
    "SELECT sum(share) AS share, count(*) FILTER (is_point_of_control)::INTEGER AS points, sum(share) FILTER (is_value_area) AS area FROM aggregate('volume_profile', 'um', 'BTCUSDT', '2024-01-30', '2024-01-31', options := 'steps=10')",
  )
  assert.ok(Math.abs(Number(profile[0]?.['share']) - 1) < 1e-9 && profile[0]?.['points'] === 1 && Number(profile[0]?.['area']) >= 0.7)
  const [flow] = await lakehouse.select("SELECT max(abs(imbalance)) AS most FROM aggregate('order_flow', 'um')")
  assert.ok(Number(flow?.['most']) <= 1)
  // The rate of a bar is the last one at its close, never a later one.
  const rates = await lakehouse.select(
    "SELECT count(*)::INTEGER AS n, count(*) FILTER (funding_time > open_time + INTERVAL 1 HOUR)::INTEGER AS later, count(funding_rate)::INTEGER AS known FROM aggregate('basis', 'um')",
  )
  assert.equal(rates[0]?.['later'], 0)
  assert.ok(Number(rates[0]?.['known']) > 0)
  const [panel] = await lakehouse.select(
    "SELECT max(symbols)::INTEGER AS symbols, max(rank) AS rank, min(share) > 0 AS positive FROM aggregate('cross_section', 'um', options := 'minutes=60')",
  )
  assert.deepEqual(panel, { symbols: 3, rank: 1, positive: true })
  const shares = await lakehouse.select(
    "SELECT open_time, sum(share) AS whole FROM aggregate('cross_section', 'um', options := 'minutes=60') GROUP BY ALL HAVING abs(whole - 1) > 1e-9",
  )
  assert.deepEqual(shares, [])
  const [pairs] = await lakehouse.select(
    "SELECT count(*)::INTEGER AS n, max(abs(correlation)) <= 1 AS bounded FROM aggregate('correlation_matrix', 'um')",
  )
  assert.deepEqual(pairs, { n: 6, bounded: true })
  for (const [call, code] of [
    ["'nothing', 'um'", 'USAGE'],
    ["'basis', 'spot'", 'TABLE_NOT_FOUND'],
    ["'order_flow', 'um', options := 'minutes=0'", 'USAGE'],
    ["'order_flow', 'um', options := 'interval=1d'", 'TABLE_NOT_FOUND'],
    ["'order_flow', 'um', '*', 'yesterday'", 'USAGE'],
  ] as const)
    await assert.rejects(lakehouse.select(`SELECT * FROM aggregate(${call})`), { code }, call)
})
