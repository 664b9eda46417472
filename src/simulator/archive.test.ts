import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/folders.ts'
import { readPlainRows } from '../../test/support/plain-reader.ts'
import { parseArchiveKey } from '../sources/binance/archive/archive-key.ts'
import { parseChecksumFile } from '../sources/binance/archive/checksum-file.ts'
import { format } from '../sources/binance/archive/formats.ts'
import { findOffer, OFFERS } from '../sources/binance/offers.ts'
import { type SimulatedArchive, writeArchive } from './archive.ts'

/** Series of every data type of the matrix, for one day. */
const EVERYTHING: SimulatedArchive = {
  seed: 'everything',
  start: Date.UTC(2024, 0, 31),
  days: 1,
  tradesPerDay: 400,
  periods: ['daily', 'monthly'],
  series: (['spot', 'um', 'cm', 'option'] as const).map((market) => ({
    market,
    symbol: market === 'cm' ? 'BTCUSD_PERP' : market === 'option' ? 'BTCBVOLUSDT' : 'BTCUSDT',
    types: OFFERS.filter((entry) => entry.market === market).map((entry) => entry.dataset),
    intervals: ['1m', '1h'],
  })),
}

test('the same seed gives the same bytes, and another seed other bytes', async (context) => {
  const folder = await temporaryFolder(context)
  const bytes = async (name: string, archive: SimulatedArchive) => {
    const keys = await writeArchive(join(folder, name), archive)
    return await Promise.all(keys.map(async (key) => `${key} ${(await readFile(join(folder, name, key))).toString('base64')}`))
  }
  const small = { ...EVERYTHING, series: EVERYTHING.series.slice(0, 1) }
  assert.deepEqual(await bytes('one', small), await bytes('two', small))
  assert.notDeepEqual(await bytes('three', { ...small, seed: 'other' }), await bytes('one', small))
})

test('every data type has its columns, its header and a key that parses', async (context) => {
  const folder = await temporaryFolder(context)
  const keys = await writeArchive(folder, EVERYTHING)
  const written = new Set(keys.map((key) => `${parseArchiveKey(key).market} ${parseArchiveKey(key).dataset}`))
  const daily = OFFERS.filter((entry) => entry.archive.periods.daily !== undefined)
  assert.deepEqual(written, new Set(daily.map((entry) => `${entry.market} ${entry.dataset}`)))
  for (const key of keys) {
    const { market, dataset } = parseArchiveKey(key)
    const entry = findOffer(market, dataset) ?? assert.fail()
    const rows = readPlainRows(join(folder, key))
    assert.ok(rows.length > 0, key)
    const data = entry.archive.timeUnit === 'text' ? rows.filter((row) => /^\d/.test(row[0] ?? '')) : rows
    for (const row of data) assert.equal(row.length, format(dataset, market).columns.length, `${key}: ${row.join()}`)
    parseChecksumFile(await readFile(join(folder, `${key}.CHECKSUM`)), key.split('/').at(-1) ?? '')
  }
  assert.equal((await readdir(folder)).length, 1)
})

test('klines are built from the trades that are published beside them', async (context) => {
  const folder = await temporaryFolder(context)
  await writeArchive(folder, {
    ...EVERYTHING,
    series: [{ market: 'spot', symbol: 'BTCUSDT', types: ['klines', 'trades', 'aggTrades'], intervals: ['1m'] }],
  })
  const path = (type: string, name: string) => join(folder, `data/spot/daily/${type}/BTCUSDT/${name}`)
  const trades = readPlainRows(path('trades', 'BTCUSDT-trades-2024-01-31.zip'))
  const klines = readPlainRows(path('klines', '1m/BTCUSDT-1m-2024-01-31.zip'))
  const byMinute = Map.groupBy(trades, (row) => Math.floor(Number(row[4]) / 60_000) * 60_000)
  assert.equal(klines.length, 1440)
  for (const [open, first, high, low, last, volume, , , count] of klines) {
    const some = byMinute.get(Number(open)) ?? []
    assert.equal(Number(count), some.length)
    if (some.length === 0) continue
    const prices = some.map((row) => Number(row[1]))
    assert.deepEqual(
      [Number(first), Number(high), Number(low), Number(last)],
      [prices[0], Math.max(...prices), Math.min(...prices), prices.at(-1)],
    )
    assert.ok(Math.abs(Number(volume) - some.reduce((sum, row) => sum + Number(row[2]), 0)) < 1e-9)
  }
  const aggregates = readPlainRows(path('aggTrades', 'BTCUSDT-aggTrades-2024-01-31.zip'))
  assert.equal(
    aggregates.reduce((sum, row) => sum + Number(row[4]) - Number(row[3]) + 1, 0),
    trades.length,
  )
})
