import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { writeArchive, writeObject } from '../../src/simulator/archive.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import { DataProcessor } from '../../src/specification/data-processor.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'
import { readPlainRows } from '../support/plain-reader.ts'
import { realData } from '../support/real-data.ts'

const HOUR = 3_600_000
const line = (ms: number) => [ms, 10, 12, 9, 11, 5, ms + HOUR - 1, 52, 3, 2, 21, 0].join(',')

/** A day of hourly bars of a spot symbol, but for some hours. */
async function writeDay(archive: string, symbol: string, date: string, without: readonly number[] = []): Promise<void> {
  const start = Date.parse(`${date}T00:00:00Z`)
  const lines = Array.from({ length: 24 }, (_, hour) => hour).flatMap((hour) => (without.includes(hour) ? [] : [line(start + hour * HOUR)]))
  const key = printArchiveKey({ market: 'spot', dataset: 'klines', symbol, interval: '1h', period: 'daily', date })
  await writeObject(archive, key, Buffer.from(`${lines.join('\n')}\n`), [])
}

const ALL = { range: undefined, symbols: 'true', limit: 1000 }
const TABLE = 'silver.binance_spot_klines_1h'

async function gapsOf(
  lakehouse: Lakehouse,
  options: Partial<Parameters<Parameters<Parameters<Lakehouse['withQuality']>[1]>[0]['gaps']>[1]> = {},
) {
  const reports = await lakehouse.withQuality(false, (quality) => quality.gaps([TABLE], { ...ALL, ...options }))
  return (
    reports.get(TABLE)?.gaps.map(({ symbol, gapStart, missingPeriods, cause }) => [symbol, gapStart.slice(0, 13), missingPeriods, cause]) ??
    []
  )
}

test('each gap has its cause: outages seen in many symbols or reported, our own misses, holes of the archive, ends of symbols', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  // On 2019-05-15 the exchange is reported not to have traded; on the 17th nobody has reported anything.
  for (const symbol of ['AAAUSDT', 'BBBUSDT', 'CCCUSDT']) {
    await writeDay(archive, symbol, '2019-05-14')
    await writeDay(archive, symbol, '2019-05-15', [3, 4, 5, 6])
    await writeDay(archive, symbol, '2019-05-16', symbol === 'AAAUSDT' ? [10] : [])
    await writeDay(archive, symbol, '2019-05-17', [7, 8])
    await writeDay(archive, symbol, '2019-05-18')
  }
  // One has no file of a day; one ends early; one begins late.
  await writeDay(archive, 'DDDUSDT', '2019-05-14')
  await writeDay(archive, 'DDDUSDT', '2019-05-16')
  await writeDay(archive, 'EEEUSDT', '2019-05-25')
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive, nowMs: () => Date.parse('2019-06-30T00:00:00Z') })
  await ingestKlines(lakehouse)
  const outage = (symbol: string) => [symbol, '2019-05-15T03', 4, 'exchange_outage']
  const unreported = (symbol: string) => [symbol, '2019-05-17T07', 2, 'exchange_outage']
  assert.deepEqual(await gapsOf(lakehouse), [
    outage('AAAUSDT'),
    ['AAAUSDT', '2019-05-16T10', 1, 'unknown'],
    unreported('AAAUSDT'),
    outage('BBBUSDT'),
    unreported('BBBUSDT'),
    outage('CCCUSDT'),
    unreported('CCCUSDT'),
    ['DDDUSDT', '2019-05-15T00', 24, 'own_miss'],
  ])
  const range = { start: Date.parse('2019-05-10T00:00:00Z') * 1000, end: Date.parse('2019-05-26T00:00:00Z') * 1000 }
  assert.deepEqual(await gapsOf(lakehouse, { range, symbols: "symbol IN ('CCCUSDT', 'EEEUSDT')" }), [
    ['CCCUSDT', '2019-05-10T00', 96, 'not_listed'],
    ['CCCUSDT', '2019-05-15T03', 4, 'exchange_outage'],
    ['CCCUSDT', '2019-05-17T07', 2, 'unknown'],
    ['CCCUSDT', '2019-05-19T00', 168, 'delisted'],
    ['EEEUSDT', '2019-05-10T00', 360, 'not_listed'],
  ])
  // What another table has is no outage.
  const minutes = Array.from({ length: 1440 }, (_, n) => Date.parse('2019-05-16T00:00:00Z') + n * 60_000)
  const csv = minutes.map((ms) => [ms, 10, 12, 9, 11, 5, ms + 59_999, 52, 3, 2, 21, 0].join(',')).join('\n')
  const file = { market: 'spot', dataset: 'klines', symbol: 'AAAUSDT', interval: '1m', period: 'daily', date: '2019-05-16' } as const
  await writeObject(archive, printArchiveKey(file), Buffer.from(`${csv}\n`), [])
  await ingestKlines(lakehouse)
  assert.deepEqual((await gapsOf(lakehouse))[1], ['AAAUSDT', '2019-05-16T10', 1, 'archive_hole'])
})

test('an assessment replaces what was found before, and gives the same again', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await writeDay(archive, 'AAAUSDT', '2024-01-01')
  await writeDay(archive, 'AAAUSDT', '2024-01-02', [5])
  const lakehouse = openLakehouse({
    lake: join(folder, 'lake'),
    archive,
    nowMs: () => Date.parse('2024-01-03T06:00:00Z') + performance.now(),
  })
  await ingestKlines(lakehouse)
  const assess = () => lakehouse.withQuality(true, (quality) => quality.assess([]))
  const [first] = await assess()
  assert.deepEqual(
    first?.findings.map(({ check, from, count }) => [check, from, count]),
    [['gap', '2024-01-02T05:00:00Z', 1]],
  )
  assert.deepEqual([first?.rows, first?.days, first?.parts.timeliness], [47, 2, 1])
  const days = await lakehouse.select(
    'SELECT day::VARCHAR AS day, rows::INTEGER AS n, score, completeness FROM silver.quality ORDER BY day',
  )
  assert.deepEqual(
    days.map(({ day, n, completeness }) => [day, n, completeness]),
    [
      ['2024-01-01', 24, 1],
      ['2024-01-02', 23, 23 / 24],
    ],
  )
  assert.ok(Number(days[0]?.['score']) === 100 && Number(days[1]?.['score']) < 100)
  const snapshots = async () => await lakehouse.withTables(false, async (tables) => (await tables.snapshots('silver.findings')).length)
  const before = await snapshots()
  assert.deepEqual(await assess(), [first])
  assert.equal(await snapshots(), before, 'nothing has changed')
  // The exchange publishes the missing hour.
  await writeDay(archive, 'AAAUSDT', '2024-01-02')
  const { counts } = await ingestKlines(lakehouse)
  assert.equal(counts.filesFetched, 1)
  await assess()
  assert.deepEqual(await lakehouse.select('SELECT * FROM silver.findings'), [])
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
  await assert.rejects(
    lakehouse.withQuality(false, (quality) => quality.gaps(['silver.nothing'], ALL)),
    { code: 'TABLE_NOT_FOUND' },
  )
})

test('a symbol whose newest rows are late is stale, one that ended before the others is not, and nobody waits for rows of the past', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  for (const date of ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04', '2024-01-05', '2024-01-06', '2024-01-07']) {
    await writeDay(archive, 'AAAUSDT', date)
    if (date < '2024-01-03') await writeDay(archive, 'GONEUSDT', date)
  }
  const staleOn = async (date: string) => {
    const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive, nowMs: () => Date.parse(date) })
    await ingestKlines(lakehouse)
    const [found] = await lakehouse.withQuality(true, (quality) => quality.assess([TABLE]))
    return found?.findings.filter(({ check }) => check === 'stale').map(({ symbol, from }) => [symbol, from]) ?? []
  }
  assert.deepEqual(await staleOn('2024-01-09T00:00:00Z'), [])
  assert.deepEqual(await staleOn('2024-01-15T00:00:00Z'), [['AAAUSDT', '2024-01-07T23:00:00Z']])
  assert.deepEqual(await staleOn('2024-06-01T00:00:00Z'), [])
})

test('rows are read with what is known of them, and stay as they were published', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await writeDay(archive, 'AAAUSDT', '2024-01-01')
  const lines = Array.from({ length: 24 }, (_, hour) => {
    const ms = Date.parse('2024-01-02T00:00:00Z') + hour * 3_600_000
    return [ms, 10, hour === 3 ? 1 : 12, 9, 11, hour === 3 || hour === 8 ? 1 : 5, ms + 3_599_999, 52, hour === 8 ? 0 : 3, 2, 21, 0].join(
      ',',
    )
  })
  const file = { market: 'spot', dataset: 'klines', symbol: 'AAAUSDT', interval: '1h', period: 'daily', date: '2024-01-02' } as const
  await writeObject(archive, printArchiveKey(file), Buffer.from(`${lines.join('\n')}\n`), [])
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
  await ingestKlines(lakehouse)
  const table = 'silver.binance_spot_klines_1h_flagged'
  await assert.rejects(lakehouse.select(`SELECT * FROM ${table}`), { code: 'TABLE_NOT_FOUND' })
  await lakehouse.withQuality(true, (quality) => quality.assess([]))
  assert.deepEqual(
    await lakehouse.select(
      `SELECT strftime(open_time, '%d %H') AS at, quality_flags::VARCHAR AS flags FROM ${table} WHERE len(quality_flags) > 0 ORDER BY open_time`,
    ),
    [
      { at: '02 03', flags: '[average_price, ohlc, taker_total]' },
      { at: '02 08', flags: '[average_price, count_volume, taker_total]' },
    ],
  )
  // The table and its flags in one query, under conditions of their own.
  const both = `SELECT (SELECT count(*) FROM ${table.replace('_flagged', '')})::INTEGER AS n, (SELECT count(*) FROM ${table} WHERE open_time >= '2024-01-02' AND quality_flags = [])::INTEGER AS good`
  assert.deepEqual(await lakehouse.select(both), [{ n: 48, good: 22 }])
  await assert.rejects(lakehouse.select('SELECT * FROM silver.findings_flagged'), { code: 'TABLE_NOT_FOUND' })
})

test('the data processor of the specification cleans, assesses and detects', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  for (let day = 1; day < 10; day++) await writeDay(archive, 'AAAUSDT', `2024-01-0${day}`)
  const lake = join(folder, 'lake')
  await ingestKlines(openLakehouse({ lake, archive }), { layers: ['bronze'] })
  const processor = new DataProcessor(openLakehouse({ lake, archive }))
  const { counts, tables } = await processor.cleanAndValidate({ types: ['klines'] })
  assert.deepEqual([counts.rowsRead, tables], [216, [TABLE.replace('silver.', '')].map((name) => `silver.${name}`)])
  const [assessed] = await processor.assessDataQuality([TABLE])
  assert.deepEqual([assessed?.rows, assessed?.days], [216, 9])
  assert.deepEqual(await processor.detectAnomalies(), [])
  const rows = await processor.computeTechnicalIndicators(TABLE, 'AAAUSDT')
  assert.equal(rows.length, 216)
  assert.ok(
    ['sma_7', 'rsi_14', 'macd_signal_12_26_9', 'bollinger_upper_20_2', 'candle_type', 'upper_wick'].every(
      (name) => name in (rows[0] ?? {}),
    ),
  )
})

test('oddities of real files are found by their rules, and clean days have no error', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const lake = join(await temporaryFolder(context), 'lake')
  const lakehouse = openLakehouse({ lake, archive: join(data, 'archive') })
  const request = {
    types: ['klines', 'fundingRate', 'EOHSummary', 'aggTrades'] as const,
    markets: [],
    symbols: [],
    intervals: [],
    range: undefined,
  }
  await lakehouse.ingest({ ...request, layers: new Set(['bronze', 'silver']), onProgress: () => {}, onNotice: () => {} })
  const assessed = await lakehouse.withQuality(true, (quality) => quality.assess([]))
  const found = assessed.flatMap(({ findings }) => findings)
  const of = (check: string, table: string) => found.filter((one) => one.check === check && one.table === `silver.${table}`)
  assert.deepEqual(
    found.filter(({ severity }) => severity === 'error'),
    [],
  )
  // Filler rows of an outage of um, 2023-09-12 08:34–08:52.
  assert.deepEqual(
    of('flat_run', 'binance_um_klines_1m').map(({ from, to, count }) => [from, to, count]),
    [['2023-09-12T08:34:00Z', '2023-09-12T08:53:00Z', 19]],
  )
  assert.equal(
    of('funding_jitter', 'binance_um_funding_rate').reduce((sum, { count }) => sum + count, 0),
    49,
  )
  assert.equal(of('value_empty', 'binance_option_eoh_summary').length > 0, true)
  assert.equal(of('unsorted_file', 'binance_option_eoh_summary').length, 3)
  assert.ok(of('unused_column', 'binance_spot_klines_1h').every(({ from }) => from?.startsWith('2017')))
  assert.ok(of('unused_column', 'binance_spot_klines_1h').length > 0)
  assert.ok(of('closing_time', 'binance_spot_klines_1h').length > 0)
  assert.deepEqual(of('id_gap', 'binance_cm_agg_trades'), [])
})

test('bars are what finer bars and trades make, to the last decimal; what differs in that is found', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  const symbols = { spot: 'BTCUSDT', um: 'ETHUSDT', cm: 'BTCUSD_PERP' } as const
  const types = ['klines', 'trades'] as const
  const series = Object.entries(symbols).map(([market, symbol]) => ({
    market: market as keyof typeof symbols,
    symbol,
    types,
    intervals: ['1m', '5m', '1h'] as const,
  }))
  const keys = await writeArchive(archive, {
    seed: 'cross',
    series,
    start: Date.UTC(2024, 0, 31),
    days: 2,
    tradesPerDay: 4000,
    periods: ['daily'],
  })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
  const everything = { types, markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(['bronze', 'silver'] as const) }
  const errors = async () => {
    await lakehouse.ingest({ ...everything, onProgress: () => {}, onNotice: () => {} })
    const assessed = await lakehouse.withQuality(true, (quality) => quality.assess([]))
    return assessed.flatMap(({ findings }) =>
      findings.filter(({ severity }) => severity === 'error').map(({ check, table, from }) => [check, table, from]),
    )
  }
  assert.deepEqual(await errors(), [])
  const spoil = async (key: string, at: number, field: number, change: (text: string) => string) => {
    const rows = readPlainRows(join(archive, key)).map((row, n) =>
      row.map((text, index) => (n === at && index === field ? change(text) : text)),
    )
    await writeObject(archive, key, Buffer.from(`${rows.map((row) => row.join(',')).join('\n')}\n\n`), [])
  }
  const find = (part: string) => keys.find((key) => key.includes(part) && key.includes('2024-02-01')) ?? ''
  await spoil(find('spot/daily/klines/BTCUSDT/5m'), 100, 5, (text) => (Number(text) + 1e-8).toFixed(8))
  await spoil(find('um/daily/klines/ETHUSDT/1m'), 700, 8, (text) => String(Number(text) + 1))
  const found = await errors()
  assert.deepEqual(found, [
    ['bars_sum', 'silver.binance_spot_klines_1h', '2024-02-01T08:00:00Z'],
    ['bars_sum', 'silver.binance_spot_klines_5m', '2024-02-01T08:20:00Z'],
    ['bars_from_trades', 'silver.binance_um_klines_1m', '2024-02-01T11:40:00Z'],
    ['bars_sum', 'silver.binance_um_klines_5m', '2024-02-01T11:40:00Z'],
  ])
})
