import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const TABLE = 'silver.binance_spot_klines_1h'
const ALL = { markets: [], at: undefined, quotes: [], contractTypes: [], plain: false } as const

const line = (ms: number, volume = 5) => [ms, 10, 12, 9, 11, volume, ms + HOUR - 1, 52, 3, 2, 21, 0].join(',')

/** Hourly bars of some days, in one file; `spoil` changes the lines. */
async function write(
  archive: string,
  symbol: string,
  date: string,
  days: number,
  spoil: (lines: string[]) => string[] = (lines) => lines,
): Promise<string> {
  const start = Date.parse(`${date.length === 7 ? `${date}-01` : date}T00:00:00Z`)
  const lines = Array.from({ length: days * 24 }, (_, hour) => line(start + hour * HOUR))
  const key = printArchiveKey({
    market: 'spot',
    dataset: 'klines',
    symbol,
    interval: '1h',
    period: date.length === 7 ? 'monthly' : 'daily',
    date,
  })
  await writeObject(archive, key, Buffer.from(`${spoil(lines).join('\n')}\n`), [])
  return key
}

async function setUp(context: TestContext): Promise<{ folder: string; archive: string; lakehouse: Lakehouse }> {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  return { folder, archive, lakehouse: openLakehouse({ lake: join(folder, 'lake'), archive }) }
}

test('a republished file, end to end: what it changed, row by row, what was rebuilt, and the past as it was', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  const key = await write(archive, 'AAAUSDT', '2024-01-02', 1)
  await write(archive, 'AAAUSDT', '2024-02-02', 1)
  await ingestKlines(lakehouse)
  assert.deepEqual(await lakehouse.withQuality(false, (quality) => quality.revisions()), [])
  const before = (await lakehouse.withTables(false, (tables) => tables.snapshots(TABLE))).at(-1)
  const changed = (lines: string[]) => lines.flatMap((text, hour) => (hour === 3 ? [] : hour === 7 ? [text.replace(/,5,/, ',6,')] : [text]))
  await write(archive, 'AAAUSDT', '2024-01-02', 1, changed)
  const { counts } = await ingestKlines(lakehouse)
  assert.equal(counts.filesFetched, 1)
  const revisions = await lakehouse.withQuality(false, (quality) => quality.revisions())
  assert.deepEqual(
    revisions.map((one) => [one.key, one.current]),
    [
      [key, false],
      [key, true],
    ],
  )
  const diff = await lakehouse.withQuality(false, (quality) => quality.diffRevisions(key, undefined, 10))
  assert.deepEqual([diff.equal, diff.differing, diff.onlyLeft, diff.onlyRight, diff.columns], [22, 1, 1, 0, { volume: 1 }])
  assert.deepEqual(
    diff.rows.map(({ change }) => change),
    ['only left', 'differs'],
  )
  assert.match(diff.rows[1]?.left ?? '', /"volume":5\.0/)
  assert.match(diff.rows[1]?.right ?? '', /"volume":6\.0/)
  const sum = 'SELECT count(*)::INTEGER AS n, sum(volume) AS v FROM silver.binance_spot_klines_1h'
  assert.deepEqual(await lakehouse.select(sum), [{ n: 47, v: 47 * 5 + 1 }])
  assert.deepEqual(await lakehouse.select(sum, { snapshot: before?.snapshotId ?? '' }), [{ n: 48, v: 240 }])
  const [origin] = await lakehouse.withQuality(false, (quality) =>
    quality.explainRow(TABLE, { symbol: 'AAAUSDT', at: Date.parse('2024-01-02T07:00:00Z') * 1000, id: undefined }),
  )
  assert.deepEqual([origin?.object, origin?.revision, origin?.revisions, origin?.line], [key, 2, 2, 7])
  assert.match(origin?.text ?? '', /^1704178800000,10,12,9,11,6,/)
  await assert.rejects(
    lakehouse.withQuality(false, (quality) => quality.diffRevisions(key, 'ffff', 1)),
    { code: 'OBJECT_NOT_FOUND' },
  )
  await assert.rejects(
    lakehouse.withQuality(false, (quality) => quality.explainRow(TABLE, { symbol: 'AAAUSDT', at: 0, id: undefined })),
    { code: 'ROW_NOT_FOUND' },
  )
})

test('monthly and daily files are compared row by row: equal, other, only here; the monthly rows win and the others stay in bronze', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  for (const day of ['01', '02', '03'])
    await write(archive, 'AAAUSDT', `2024-02-${day}`, 1, (lines) => (day === '02' ? lines.slice(1) : lines))
  await write(archive, 'BBBUSDT', '2024-02-01', 1)
  const range = { start: Date.parse('2024-02-01') * 1000, end: Date.parse('2024-02-04') * 1000 }
  await ingestKlines(lakehouse, { range })
  const month = (lines: string[]) =>
    lines.flatMap((text, hour) => (hour === 50 ? [] : hour === 5 ? [text.replace(/,11,5,/, ',11.5,7,')] : [text]))
  await write(archive, 'AAAUSDT', '2024-02', 29, month)
  await ingestKlines(lakehouse)
  const items = await lakehouse.withQuality(true, (quality) => quality.reconcile([TABLE]))
  assert.equal(items.length, 1)
  const { rows, ...item } = items[0] ?? { rows: [] }
  assert.deepEqual(item, {
    table: TABLE,
    symbol: 'AAAUSDT',
    month: '2024-02',
    days: 3,
    equal: 69,
    differing: 1,
    onlyMonthly: 1,
    onlyDaily: 1,
    columns: { close: 1, volume: 1 },
    winner: 'monthly',
  })
  assert.equal(rows.length, 3)
  assert.deepEqual(
    await lakehouse.select(
      "SELECT close, volume FROM silver.binance_spot_klines_1h WHERE symbol = 'AAAUSDT' AND open_time = '2024-02-01 05:00:00+00'",
    ),
    [{ close: 11.5, volume: 7 }],
  )
  const kept = await lakehouse.select(
    'SELECT symbol, month, equal_rows::INTEGER AS equal, differing_rows::INTEGER AS differing FROM silver.reconciliation',
  )
  assert.deepEqual(kept, [{ symbol: 'AAAUSDT', month: '2024-02', equal: 69, differing: 1 }])
})

test('the universe of a day has those that were there: also the delisted, and a ticker that came back only as often as it was there', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  const day = (n: number) => new Date(Date.UTC(2024, 0, 1) + n * DAY).toISOString().slice(0, 10)
  for (let n = 0; n < 60; n += 1) {
    await write(archive, 'BTCUSDT', day(n), 1)
    if (n < 20) await write(archive, 'GONEUSDT', day(n), 1)
    if (n < 5 || n >= 50) await write(archive, 'LUNAUSDT', day(n), 1)
    if (n > 55) await write(archive, 'BTCUPUSDT', day(n), 1)
    if (n > 55) await write(archive, 'USDCUSDT', day(n), 1)
  }
  await ingestKlines(lakehouse)
  const at = async (date: string, plain = false) => {
    const filter = { ...ALL, at: Date.parse(`${date}T12:00:00Z`) * 1000, quotes: ['USDT'], plain }
    return (await lakehouse.withQuality(false, (quality) => quality.universe(filter))).map(({ symbol, listing }) => `${symbol} ${listing}`)
  }
  assert.deepEqual(await at('2024-01-03'), ['BTCUSDT 1', 'GONEUSDT 1', 'LUNAUSDT 1'])
  assert.deepEqual(await at('2024-02-01'), ['BTCUSDT 1'])
  assert.deepEqual(await at('2024-02-28'), ['BTCUPUSDT 1', 'BTCUSDT 1', 'LUNAUSDT 2', 'USDCUSDT 1'])
  assert.deepEqual(await at('2024-02-28', true), ['BTCUSDT 1', 'LUNAUSDT 2'])
  const all = await lakehouse.withQuality(false, (quality) => quality.universe(ALL))
  const kept = await lakehouse.select(
    "SELECT symbol, listing::INTEGER AS listing FROM gold.universe WHERE first_seen <= '2024-02-28' AND last_seen > '2024-02-28' ORDER BY ALL",
  )
  assert.deepEqual(
    kept.map(({ symbol, listing }) => `${symbol} ${listing}`),
    await at('2024-02-28'),
  )
  assert.deepEqual(
    all.filter(({ symbol }) => symbol === 'GONEUSDT').map(({ firstSeen, lastSeen, status }) => [firstSeen, lastSeen, status]),
    [['2024-01-01T00:00:00Z', '2024-01-21T00:00:00Z', 'ended']],
  )
})

test('the universe knows every symbol that the archive lists, also those that are gone, of which the lake has no rows', async (context) => {
  const { archive, lakehouse, folder } = await setUp(context)
  const day = (n: number) => new Date(Date.UTC(2024, 0, 1) + n * DAY).toISOString().slice(0, 10)
  for (let n = 0; n < 60; n++) {
    await write(archive, 'BTCUSDT', day(n), 1)
    if (n < 20) await write(archive, 'GONEUSDT', day(n), 1)
    if (n < 5 || n >= 50) await write(archive, 'LUNAUSDT', day(n), 1)
  }
  await ingestKlines(lakehouse, { symbols: ['BTCUSDT'], range: { start: Date.UTC(2024, 0, 1) * 1000, end: Date.UTC(2024, 0, 3) * 1000 } })
  const args = ['universe', '--listing', '--archive', archive, '--market', 'spot', '--lake', join(folder, 'lake'), '--json']
  const { out, code } = await cli(args, { cwd: folder })
  assert.equal(code, 0)
  const items = JSON.parse(out).items as Record<string, unknown>[]
  const told = items.map((one) => [
    one['symbol'],
    one['listing'],
    String(one['firstSeen']).slice(0, 10),
    String(one['lastSeen']).slice(0, 10),
    one['status'],
  ])
  const expected = [
    ['BTCUSDT', 1, '2024-01-01', '2024-03-01', 'trading'],
    ['GONEUSDT', 1, '2024-01-01', '2024-01-21', 'ended'],
    ['LUNAUSDT', 1, '2024-01-01', '2024-01-06', 'ended'],
    ['LUNAUSDT', 2, '2024-02-20', '2024-03-01', 'trading'],
  ]
  assert.deepEqual(told, expected)
  assert.equal((await lakehouse.select('SELECT symbol FROM gold.universe')).length, 4)
  assert.equal((await cli(['universe', '--archive', archive, '--lake', join(folder, 'lake')], { cwd: folder })).code, 2)
})

test('what the exchange says of its symbols is kept, and the universe knows symbols of which the lake has no rows', async (context) => {
  const { archive, lakehouse, folder } = await setUp(context)
  for (let n = 0; n < 3; n++) await write(archive, 'BTCUSDT', new Date(Date.UTC(2024, 0, 1) + n * DAY).toISOString().slice(0, 10), 1)
  await ingestKlines(lakehouse)
  const file = join(folder, 'exchangeInfo.json')
  const asset = (symbol: string, status: string) => ({ symbol, status, baseAsset: symbol.slice(0, -3), quoteAsset: symbol.slice(-3) })
  const keep = async (answer: unknown) => {
    await writeFile(file, JSON.stringify(answer))
    return await cli(['universe', '--exchange-info', file, '--lake', join(folder, 'lake'), '--json'], { cwd: folder })
  }
  const spot = (day: string, symbols: unknown[]) => ({ serverTime: Date.parse(`${day}T12:00:00Z`), symbols })
  assert.equal((await keep(spot('2024-02-10', [asset('NEWXYZ', 'TRADING'), asset('OLDXYZ', 'BREAK')]))).code, 0)
  await keep(spot('2024-04-10', [asset('NEWXYZ', 'TRADING')]))
  const contract = { symbol: 'BTCUSD_PERP', contractStatus: 'TRADING', baseAsset: 'BTC', quoteAsset: 'USD', contractSize: 100 }
  const onboard = { onboardDate: Date.parse('2020-08-10T07:00:00Z'), deliveryDate: 4133404800000 }
  const { out } = await keep({ serverTime: Date.parse('2024-04-10T12:00:00Z'), symbols: [{ ...contract, ...onboard }] })
  const told = JSON.parse(out)
  assert.deepEqual([told.kept.market, told.kept.symbols], ['cm', 1])
  const items = (told.items as Record<string, unknown>[]).map((one) => [
    one['symbol'],
    one['base'],
    one['contractSize'],
    one['firstSeen'],
    one['lastSeen'],
    one['status'],
  ])
  const expected = [
    ['BTCUSD_PERP', 'BTC', 100, '2020-08-10T00:00:00Z', '2024-04-11T00:00:00Z', 'trading'],
    ['BTCUSDT', 'BTC', null, '2024-01-01T00:00:00Z', '2024-01-04T00:00:00Z', 'ended'],
    ['NEWXYZ', 'NEW', null, '2024-02-10T00:00:00Z', '2024-04-11T00:00:00Z', 'trading'],
  ]
  assert.deepEqual(items, expected)
  assert.equal((await lakehouse.select('SELECT symbol FROM gold.universe')).length, 3)
  // The newest answer is what counts: who is not called trading has ended, also if it was there the day before.
  await keep(spot('2024-04-11', [asset('NEWXYZ', 'BREAK'), asset('BTCUSDT', 'BREAK')]))
  assert.deepEqual(await lakehouse.select("SELECT symbol FROM gold.universe WHERE status = 'trading'"), [{ symbol: 'BTCUSD_PERP' }])
  // The same answer again changes nothing, and what is none is refused.
  await keep(spot('2024-04-10', [asset('NEWXYZ', 'TRADING')]))
  assert.deepEqual(await lakehouse.select('SELECT count(*)::INTEGER AS n FROM silver.exchange_info'), [{ n: 6 }])
  for (const answer of [
    { symbols: [] },
    { serverTime: 1, symbols: [asset('NEWXYZ', 'TRADING')] },
    { serverTime: 1712923200000000, symbols: [asset('NEWXYZ', 'TRADING')] },
    'text',
  ])
    assert.match((await keep(answer)).out, /EXCHANGE_INFO_INVALID/)
})

test('lines in quarantine are told with their number, reason and text', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  const key = await write(archive, 'AAAUSDT', '2024-01-02', 1, (lines) =>
    lines.map((text, hour) => (hour === 4 ? text.replace(',12,', ',1.70027E+,') : text)),
  )
  await ingestKlines(lakehouse)
  const { lines, total, objects } = await lakehouse.withQuality(false, (quality) => quality.quarantine(10))
  assert.deepEqual([objects, total], [[], 1])
  assert.deepEqual([lines[0]?.object, lines[0]?.line, lines[0]?.column, lines[0]?.reason], [key, 5, 'high', 'NOT_A_NUMBER'])
})

test('a line in quarantine is dropped or released by a decision that is kept; a released line is a row again, at its place', async (context) => {
  const { archive, lakehouse } = await setUp(context)
  const spoil = (lines: string[]) =>
    lines.map((text, hour) => (hour === 4 ? text.replace(/,11,5,/, ',1l,5,') : hour === 9 ? 'total' : text))
  const key = await write(archive, 'AAAUSDT', '2024-01-02', 1, spoil)
  await ingestKlines(lakehouse)
  const held = () => lakehouse.withQuality(false, (quality) => quality.quarantine(10))
  const errors = async () =>
    (await lakehouse.withQuality(true, (quality) => quality.assess([])))[0]?.findings
      .filter(({ check }) => check === 'rejected_rows')
      .map(({ count }) => count)
  assert.deepEqual(
    [(await held()).lines.map(({ line: n, reason }) => [n, reason]), (await held()).open],
    [
      [
        [5, 'NOT_A_NUMBER'],
        [10, 'FIELD_COUNT'],
      ],
      2,
    ],
  )
  assert.deepEqual(await errors(), [2])
  const decide = (line: number, text: string | null) =>
    lakehouse.withQuality(true, (quality) => quality.decide(key, { line, text, reason: 'looked at' }))
  await decide(10, null)
  assert.deepEqual(await errors(), [1])
  await assert.rejects(decide(11, null), { code: 'ROW_NOT_FOUND' })
  await assert.rejects(decide(5, '1,2,3'), { code: 'CORRECTION_INVALID' })
  const text = line(Date.parse('2024-01-02T04:00:00Z'))
  await decide(5, text)
  await ingestKlines(lakehouse, { layers: ['silver'] })
  assert.deepEqual(await errors(), [])
  const rows = `SELECT strftime(open_time, '%H') AS hour, close, source_object FROM ${TABLE} WHERE open_time BETWEEN '2024-01-02 03:00:00+00' AND '2024-01-02 05:00:00+00' ORDER BY open_time`
  assert.deepEqual(await lakehouse.select(rows), [
    { hour: '03', close: 11, source_object: key },
    { hour: '04', close: 11, source_object: key },
    { hour: '05', close: 11, source_object: key },
  ])
  const { lines, open, decisions } = await held()
  assert.deepEqual([lines.map((one) => [one.line, one.dropped]), open], [[[10, true]], 0])
  assert.deepEqual(
    decisions.map((one) => [one.line, one.decision, one.text, one.reason]),
    [
      [10, 'dropped', null, 'looked at'],
      [5, 'released', text, 'looked at'],
    ],
  )
  // A republished file is another one: its lines are judged again.
  await write(archive, 'AAAUSDT', '2024-01-02', 1, (all) => spoil(all).slice(0, 23))
  await ingestKlines(lakehouse)
  assert.equal((await held()).open, 2)
})
