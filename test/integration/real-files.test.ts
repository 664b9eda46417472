import assert from 'node:assert/strict'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { LAYERS } from '../../src/lake/layout.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import { parseArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import { silverTableName, valueColumns } from '../../src/sources/series.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'
import { type PlainRow, readPlainRows } from '../support/plain-reader.ts'
import { realData, realKlineKeys } from '../support/real-data.ts'

/** Microseconds of a published instant, by its number of digits alone. */
const micros = (text: string) => (text.length >= 16 ? Number(text) : Number(text) * 1000)

const digitsOf = (text: string) => text.replace('.', '').replace(/^0+/, '').replace(/0+$/, '').length

/** By how many units of its last decimal the double's text differs from the published one: 0 when no digit is lost. */
function lostUnits(text: string): number {
  const decimals = text.split('.')[1]?.length ?? 0
  if (decimals > 0 && String(Number(text)) === text.replace(/\.?0+$/, '')) return 0
  const units = (one: string) => BigInt(one.replace('.', ''))
  const difference = units(Number(text).toFixed(decimals)) - units(text)
  return Number(difference < 0n ? -difference : difference)
}

function expectedRow(row: PlainRow): number[] {
  return row.slice(0, 11).map((text, index) => (index === 0 || index === 6 ? micros(text) : Number(text)))
}

test('every real klines file: counts and values equal those of an independent reader, and no digit is lost that a double can carry', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const lakehouse = openLakehouse({ lake: join(await temporaryFolder(context), 'lake'), archive: join(data, 'archive') })
  const { counts, findings, errors } = await ingestKlines(lakehouse)
  assert.deepEqual(errors, [])
  let rows = 0
  let beyondDouble = 0
  for (const key of await realKlineKeys(data)) {
    const plain = readPlainRows(join(data, 'archive', key))
    rows += plain.length
    for (const text of plain.flatMap((row) => row.slice(0, 11))) {
      const lost = lostUnits(text)
      if (lost === 0) continue
      // A double carries 15 digits always, 16 mostly. Quote volumes beyond 67 million have more: what is lost is less than the double's own step.
      const step = 2 ** (Math.floor(Math.log2(Number(text))) - 52)
      assert.ok(lost * 1e-8 <= step && digitsOf(text) >= 16 && Number(text) > 2 ** 26, `${key}: ${text}`)
      beyondDouble++
    }
    const file = parseArchiveKey(key)
    const table = silverTableName(file)
    const names = valueColumns(file).map((column) => (column.type === 'instant' ? `epoch_us(${column.name})` : column.name))
    const held = await lakehouse.select(
      `SELECT ${names.join(', ')}, symbol, source FROM silver.${table} WHERE source_object = '${key}' ORDER BY open_time`,
    )
    assert.equal(held.length, plain.length, key)
    const sorted = plain.map(expectedRow).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0))
    for (const [index, row] of held.entries()) {
      const values = Object.values(row)
      assert.deepEqual(
        [values.slice(0, 11).map(Number), values.slice(11)],
        [sorted[index], [file.symbol, 'archive']],
        `${key} row ${index}`,
      )
    }
  }
  assert.ok(beyondDouble < rows * 11 * 0.003, `${beyondDouble} values`)
  assert.equal(counts.rowsRead, rows)
  assert.equal(counts.rowsWritten, rows)
  assert.equal(counts.rowsRejected, 0)
  assert.equal(counts.filesFetched, (await realKlineKeys(data)).length)
  assert.ok(findings.some((finding) => finding.check === 'gap'))
})

test('the second run over the real files does nothing and says so', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const lakehouse = openLakehouse({ lake: join(await temporaryFolder(context), 'lake'), archive: join(data, 'archive') })
  const first = await ingestKlines(lakehouse)
  const second = await ingestKlines(lakehouse)
  assert.equal(second.counts.filesFetched, 0)
  assert.equal(second.counts.filesSkipped, first.counts.filesFetched)
  assert.equal(second.counts.partitionsWritten, 0)
  assert.equal(second.counts.partitionsUnchanged, first.counts.partitionsWritten)
  assert.deepEqual(
    second.findings.filter((finding) => finding.severity !== 'info'),
    [],
  )
})

test('bars made of real 1m klines equal the published 5m klines, column by column', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const lakehouse = openLakehouse({ lake: join(await temporaryFolder(context), 'lake'), archive: join(data, 'archive') })
  await ingestKlines(lakehouse, { markets: ['spot'], symbols: ['BTCUSDT'], intervals: ['1m', '5m'] })
  const columns =
    'open_time, close_time, open, high, low, close, volume, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume'
  const made = await lakehouse.select(
    `SELECT ${columns} FROM gold.binance_spot_bars_5m WHERE open_time >= '2022-04-08' AND open_time < '2022-04-09' AND is_complete ORDER BY open_time`,
  )
  const published = await lakehouse.select(
    `SELECT ${columns} FROM silver.binance_spot_klines_5m WHERE open_time >= '2022-04-08' AND open_time < '2022-04-09' ORDER BY open_time`,
  )
  assert.equal(made.length, 288)
  assert.deepEqual(made, published)
})

test('real damage: a zip that lost a byte and a CSV that a spreadsheet ruined are told, and nothing else is lost', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const folder = await temporaryFolder(context)
  const good = 'data/spot/daily/klines/ADABTC/1m/ADABTC-1m-2021-11-28.zip'
  const short = 'data/spot/daily/klines/ADABTC/1m/ADABTC-1m-2021-11-27.zip'
  const ruined = 'data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2023-11-18.zip'
  await mkdir(join(folder, 'archive', good, '..'), { recursive: true })
  for (const key of [good, short]) await cp(join(data, 'archive', `${key}.CHECKSUM`), join(folder, 'archive', `${key}.CHECKSUM`))
  await cp(join(data, 'archive', good), join(folder, 'archive', good))
  await cp(join(data, 'damaged/ADABTC-1m-2021-11-27.zip'), join(folder, 'archive', short))
  await writeObject(join(folder, 'archive'), ruined, await readFile(join(data, 'damaged/BTCUSDT-1h-2023-11-18.excel-mangled.csv')), [])
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  const { counts, findings } = await ingestKlines(lakehouse)
  assert.equal(counts.filesQuarantined, 1)
  assert.equal(counts.rowsWritten, 1440)
  assert.equal(counts.rowsRejected, 25)
  assert.ok(findings.some((finding) => finding.check === 'checksum_mismatch' && finding.explanation.includes(short)))
  assert.ok(findings.some((finding) => finding.check === 'rejected_rows' && finding.count === 25))
})

test('bars from a real day of trades, most minutes of which begin or end with a tie, equal a computation by time and id', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const symbol = 'BTCUSD_PERP'
  const lakehouse = openLakehouse({ lake: join(await temporaryFolder(context), 'lake'), archive: join(data, 'archive') })
  const { errors } = await lakehouse.ingest({
    types: ['aggTrades'],
    markets: ['cm'],
    symbols: [symbol],
    intervals: [],
    range: undefined,
    layers: new Set(LAYERS),
    publishIf: undefined,
    onProgress: () => {},
    onNotice: () => {},
  })
  assert.deepEqual(errors, [])
  const minutes = new Map<number, { id: number; time: number; price: string; contracts: number; trades: number }[]>()
  for (const row of readPlainRows(join(data, `archive/data/futures/cm/daily/aggTrades/${symbol}/${symbol}-aggTrades-2026-05-08.zip`))) {
    const [id, price = '', quantity, first, last, time] = row
    const trade = { id: Number(id), time: Number(time), price, contracts: Number(quantity), trades: Number(last) - Number(first) + 1 }
    const minute = Math.floor(trade.time / 60_000)
    minutes.set(minute, [...(minutes.get(minute) ?? []), trade])
  }
  let tied = 0
  const expected = [...minutes]
    .sort(([a], [b]) => a - b)
    .map(([minute, trades]) => {
      trades.sort((a, b) => a.time - b.time || a.id - b.id)
      const prices = trades.map(({ price }) => Number(price))
      if (trades[0]?.time === trades[1]?.time || trades.at(-1)?.time === trades.at(-2)?.time) tied++
      const sum = (name: 'contracts' | 'trades') => trades.reduce((total, trade) => total + trade[name], 0)
      return [minute * 60_000, prices[0], Math.max(...prices), Math.min(...prices), prices.at(-1), sum('contracts'), sum('trades')]
    })
  const bars = await lakehouse.select(
    `SELECT epoch_ms(open_time) AS t, open, high, low, close, contracts, trade_count FROM resample('silver.binance_cm_agg_trades', '*', '1m') ORDER BY 1`,
  )
  assert.deepEqual(
    bars.map((bar) => Object.values(bar).map(Number)),
    expected,
  )
  assert.deepEqual([bars.length, tied > 700], [1437, true])
})
