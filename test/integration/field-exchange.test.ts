import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DatasetId } from '../../src/datasets/registry.ts'
import { LAYERS } from '../../src/lake/layout.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import type { Market } from '../../src/sources/binance/markets.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'

// Situations that users of exchange data have reported, with small inputs.

const HOUR = 3_600_000

async function setUp(context: TestContext) {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  const lakehouse = openLakehouse({ lake, archive })
  const ingest = (type: DatasetId, publishIf?: string) =>
    lakehouse.ingest({
      types: [type],
      markets: [],
      symbols: [],
      intervals: [],
      range: undefined,
      layers: new Set(LAYERS),
      publishIf,
      onProgress: () => {},
      onNotice: () => {},
    })
  const run = (...args: string[]) => cli([...args, '--lake', lake], { cwd: folder })
  return { folder, lake, archive, lakehouse, ingest, run }
}

type File = { market?: Market; dataset: DatasetId; symbol: string; interval?: '1m' | '1h' | '1d'; date: string }

async function write(archive: string, { market = 'spot', interval, ...file }: File, lines: readonly string[]): Promise<void> {
  const period = file.date.length === 7 ? 'monthly' : 'daily'
  const key = printArchiveKey({ market, ...file, period, ...(interval === undefined ? {} : { interval }) } as Parameters<
    typeof printArchiveKey
  >[0])
  await writeObject(archive, key, Buffer.from(`${lines.join('\n')}\n`), [])
}

/** Hours of flat bars with a price each. */
function hours(start: string, prices: readonly number[], length = HOUR): string[] {
  const first = Date.parse(`${start}T00:00:00Z`)
  return prices.map((price, n) => {
    const at = first + n * length
    return [at, price, price + 1, price - 1, price, 10, at + length - 1, 10 * price, 5, 5, 5 * price, 0].join(',')
  })
}

test('of trades with the same time, the ids decide which price opens and closes a bar', async (context) => {
  const { archive, ingest, run } = await setUp(context)
  const at = Date.parse('2025-02-01T00:00:00Z')
  const trades = [
    [1, 100, at],
    [2, 102, at + 1000],
    [3, 103, at + 59_999],
    [4, 104, at + 59_999],
    [5, 200, at + 60_000],
    [6, 201, at + 60_000],
    [7, 150, at + 90_000],
    [8, 151, at + 90_000],
  ]
  const lines = trades.map(([id, price, time]) => `${id},${price},1,${price},${time},true,true`)
  await write(archive, { dataset: 'trades', symbol: 'AUSDT', date: '2025-02-01' }, lines)
  await ingest('trades')
  const { out } = await run('resample', 'silver.binance_spot_trades', '--every', '1m', '--json')
  const bars = (JSON.parse(out).items as Record<string, unknown>[]).map(({ open, close }) => [open, close])
  assert.deepEqual(bars, [
    [100, 104],
    [200, 151],
  ])
})

test('--json with --output writes the file, in every command that returns rows', async (context) => {
  const { folder, archive, ingest, run } = await setUp(context)
  await write(
    archive,
    { dataset: 'klines', symbol: 'AUSDT', interval: '1h', date: '2024-01-01' },
    hours(
      '2024-01-01',
      Array.from({ length: 24 }, (_, n) => 100 + n),
    ),
  )
  await ingest('klines')
  const table = 'silver.binance_spot_klines_1h'
  for (const [name, args] of [
    ['resample', [table, '--every', '4h']],
    ['segments', [table]],
    ['indicators', ['compute', table, 'ema(3)', '--symbol', 'AUSDT']],
  ] as const) {
    const file = join(folder, `${name}.csv`)
    const { code, out } = await run(name, ...args, '--format', 'csv', '--output', file, '--json')
    assert.deepEqual([code, JSON.parse(out).output], [0, file], name)
    assert.ok(existsSync(file) && (await readFile(file, 'utf8')).split('\n').length > 3, name)
  }
})

test('contracts that were settled, or that expire, have names of their own in every export', async (context) => {
  const { folder, archive, ingest, run } = await setUp(context)
  const symbols = ['BNXUSDT', 'BNXUSDTSETTLED', 'BNXUSDTSETTLED1', 'BTCUSDT_240628', '1MBABYDOGEUSDT', '1000SHIBUSDT']
  for (const symbol of symbols)
    await write(
      archive,
      { market: 'um', dataset: 'klines', symbol, interval: '1d', date: '2024-01' },
      hours('2024-01-01', [10, 11, 12], 24 * HOUR),
    )
  await ingest('klines')
  for (const tool of ['freqtrade', 'pandas', 'nautilus', 'lean', 'hive']) {
    const { code, out } = await run('export', 'silver.binance_um_klines_1d', '--as', tool, '--output', join(folder, tool), '--json')
    assert.equal(code, 0)
    const files = (JSON.parse(out) as { items: string[] }).items
    assert.equal(new Set(files).size, symbols.length, tool)
    for (const file of files) assert.ok(existsSync(join(folder, tool, file)), file)
    if (tool === 'freqtrade')
      assert.deepEqual(files.map((file) => file.replace(/^futures\/|-1d-futures\.feather$/g, '')).toSorted(), [
        '1000SHIB_USDT_USDT',
        '1MBABYDOGE_USDT_USDT',
        'BNX_USDT_USDT',
        'BNX_USDT_USDT_SETTLED',
        'BNX_USDT_USDT_SETTLED1',
        'BTC_USDT_USDT-240628',
      ])
  }
})

test('invented bars do not make a day complete, in gold, in resampled bars and in the score', async (context) => {
  const { archive, lakehouse, ingest, run } = await setUp(context)
  const table = 'silver.binance_spot_klines_1h'
  const file = (date: string) => ({ dataset: 'klines', symbol: 'AUSDT', interval: '1h', date }) as const
  const day = Array.from({ length: 24 }, () => 100)
  await write(archive, file('2024-01-01'), hours('2024-01-01', day))
  // Six hours of the second day, then none for eighteen.
  await write(archive, file('2024-01-02'), hours('2024-01-02', day).slice(0, 6))
  await write(archive, file('2024-01-03'), hours('2024-01-03', day))
  await ingest('klines')
  assert.equal((await run('gaps', table, '--fill', '--synthetic')).code, 0)
  await ingest('klines')
  const columns = 'bars_held, bars_expected, is_complete, bars_derived, bars_synthetic'
  const second = [{ bars_held: 6n, bars_expected: 24n, is_complete: false, bars_derived: 0n, bars_synthetic: 18n }]
  const at = "WHERE open_time = '2024-01-02T00:00:00Z'"
  assert.deepEqual(await lakehouse.select(`SELECT ${columns} FROM gold.binance_spot_bars_1d ${at}`), second)
  assert.deepEqual(await lakehouse.select(`SELECT ${columns} FROM resample('${table}', '*', '1d') ${at}`), second)
  // Bars of bars with invented parts are not complete either.
  const [month] = await lakehouse.select("SELECT bars_held, bars_synthetic FROM resample('gold.binance_spot_bars_1d', '*', '1mo')")
  assert.deepEqual(month, { bars_held: 2n, bars_synthetic: 1n })
  assert.equal(Number((await lakehouse.select(`SELECT count(*) AS n FROM ${table} WHERE source = 'synthetic'`))[0]?.['n']), 18)
  assert.equal((await run('quality')).code, 3)
  const scores = await lakehouse.select(
    `SELECT strftime(day, '%d') AS d, completeness FROM silver.quality WHERE table_name = '${table}' ORDER BY 1`,
  )
  assert.deepEqual(scores, [
    { d: '01', completeness: 1 },
    { d: '02', completeness: 0.25 },
    { d: '03', completeness: 1 },
  ])
})

async function foundBy(lakehouse: ReturnType<typeof openLakehouse>, check: string) {
  return await lakehouse.select(
    `SELECT symbol, severity, sum(row_count)::INT AS n, min(from_time)::VARCHAR AS since FROM silver.findings WHERE check_id = '${check}' GROUP BY ALL ORDER BY 1`,
  )
}

test('rows of a delivery contract after the day in its name are errors, and the universe ends there', async (context) => {
  const { archive, lakehouse, ingest, run } = await setUp(context)
  const file = (symbol: string) => ({ market: 'cm', dataset: 'klines', symbol, interval: '1h', date: '2020-09' }) as const
  // Thirty days, of which the contract had twenty-five.
  const bars = hours(
    '2020-09-01',
    Array.from({ length: 30 * 24 }, (_, n) => 100 + (n % 7)),
  )
  await write(archive, file('BTCUSD_200925'), bars)
  await write(archive, file('BTCUSD_PERP'), bars)
  await ingest('klines')
  await run('quality')
  assert.deepEqual(await foundBy(lakehouse, 'after_expiry'), [
    { symbol: 'BTCUSD_200925', severity: 'error', n: 5 * 24, since: '2020-09-26 00:00:00+00' },
  ])
  const { items } = JSON.parse((await run('universe', '--market', 'cm', '--json')).out) as { items: Record<string, string>[] }
  assert.deepEqual(
    items.map(({ symbol, lastSeen, status }) => [symbol, lastSeen, status]),
    [
      ['BTCUSD_200925', '2020-09-26T00:00:00Z', 'ended'],
      ['BTCUSD_PERP', '2020-10-01T00:00:00Z', 'trading'],
    ],
  )
  const on = JSON.parse((await run('universe', '2020-09-28', '--market', 'cm', '--json')).out) as { items: Record<string, string>[] }
  assert.deepEqual(
    on.items.map(({ symbol }) => symbol),
    ['BTCUSD_PERP'],
  )
})

test('a computed price that stands still for long is named; a jump across a halt, and in daily bars, too', async (context) => {
  const { archive, lakehouse, ingest, run } = await setUp(context)
  const moving = Array.from({ length: 24 }, (_, n) => 100 + n)
  const flat = (start: string) => hours(start, moving).map((line) => line.replace(/^(\d+),[^,]+,[^,]+,[^,]+,[^,]+/, '$1,7,7,7,7'))
  for (const [day, lines] of [
    ['2024-01-01', hours('2024-01-01', moving)],
    ...['2024-01-02', '2024-01-03', '2024-01-04'].map((one) => [one, flat(one)] as const),
  ] as const)
    await write(archive, { market: 'um', dataset: 'markPriceKlines', symbol: 'AUSDT', interval: '1h', date: day }, lines)
  await ingest('markPriceKlines')
  // Twenty hours without trades, then a price of 1,200 times.
  const halted = { dataset: 'klines', symbol: 'BUSDT', interval: '1h' } as const
  await write(
    archive,
    { ...halted, date: '2024-01-01' },
    hours(
      '2024-01-01',
      Array.from({ length: 24 }, () => 2),
    ).slice(0, 4),
  )
  await write(
    archive,
    { ...halted, date: '2024-01-02' },
    hours(
      '2024-01-02',
      Array.from({ length: 24 }, () => 2400),
    ),
  )
  await write(
    archive,
    { dataset: 'klines', symbol: 'BUSDT', interval: '1d', date: '2024-01' },
    hours('2024-01-01', [2, 2400, 2400], 24 * HOUR),
  )
  await ingest('klines')
  await run('quality')
  assert.deepEqual(await foundBy(lakehouse, 'stale_price'), [
    { symbol: 'AUSDT', severity: 'warning', n: 71, since: '2024-01-02 01:00:00+00' },
  ])
  const jumps = await lakehouse.select(
    "SELECT table_name, from_time::VARCHAR AS at FROM silver.findings WHERE check_id = 'price_jump' ORDER BY 1",
  )
  assert.deepEqual(jumps, [
    { table_name: 'silver.binance_spot_klines_1d', at: '2024-01-02 00:00:00+00' },
    { table_name: 'silver.binance_spot_klines_1h', at: '2024-01-02 00:00:00+00' },
  ])
})

test('a file that holds other days, ends early, or names another symbol is found by its name', async (context) => {
  const { archive, lakehouse, ingest, run } = await setUp(context)
  const day = Array.from({ length: 24 }, () => 100)
  await write(archive, { dataset: 'klines', symbol: 'AUSDT', interval: '1h', date: '2024-01-11' }, hours('2024-01-01', day))
  await write(archive, { dataset: 'klines', symbol: 'BUSDT', interval: '1h', date: '2024-01-11' }, hours('2024-01-11', day).slice(0, 14))
  await write(archive, { dataset: 'klines', symbol: 'CUSDT', interval: '1h', date: '2024-01-11' }, hours('2024-01-11', day))
  await ingest('klines')
  const metrics = Array.from({ length: 288 }, (_, n) => {
    const at = new Date(Date.UTC(2024, 0, 1) + n * 300_000).toISOString().slice(0, 19).replace('T', ' ')
    return `${at},${n < 100 ? 'BTCUSDT' : 'ETHUSDT'},${1000 + n},100000,1.1,1.2,1.3,0.9`
  })
  await write(archive, { market: 'um', dataset: 'metrics', symbol: 'BTCUSDT', date: '2024-01-01' }, metrics)
  await ingest('metrics')
  await run('quality')
  assert.deepEqual(await foundBy(lakehouse, 'other_days'), [{ symbol: 'AUSDT', severity: 'error', n: 24, since: '2024-01-11 00:00:00+00' }])
  // Without the foreign rows, the file of the other symbol ends early as well.
  assert.deepEqual((await foundBy(lakehouse, 'truncated_file')).slice(1), [
    { symbol: 'BUSDT', severity: 'warning', n: 10, since: '2024-01-11 00:00:00+00' },
  ])
  assert.deepEqual(await lakehouse.select('SELECT symbol, count(*)::INT AS n FROM silver.binance_um_metrics GROUP BY 1'), [
    { symbol: 'BTCUSDT', n: 100 },
  ])
  const { lines } = await lakehouse.withQuality(false, (quality) => quality.quarantine(1000))
  assert.deepEqual([lines.length, lines[0]?.line, lines[0]?.reason, lines[0]?.column], [188, 101, 'FOREIGN_SYMBOL', 'symbol'])
})

test('one funding under two times, some milliseconds apart, is named', async (context) => {
  const { archive, lakehouse, ingest, run } = await setUp(context)
  const start = Date.UTC(2024, 0, 1)
  const times = Array.from({ length: 93 }, (_, n) => start + n * 8 * HOUR).flatMap((at, n) => (n === 5 || n === 9 ? [at, at + 9] : [at]))
  await write(
    archive,
    { market: 'um', dataset: 'fundingRate', symbol: 'AUSDT', date: '2024-01' },
    times.map((at) => `${at},8,0.0001`),
  )
  await ingest('fundingRate')
  await run('quality')
  assert.deepEqual(await foundBy(lakehouse, 'funding_twice'), [
    { symbol: 'AUSDT', severity: 'error', n: 2, since: '2024-01-02 16:00:00.009+00' },
  ])
})

test('two rows of one time with other values stay a finding until the file is replaced', async (context) => {
  const { archive, lakehouse, ingest, run } = await setUp(context)
  const file = (date: string) => ({ dataset: 'klines', symbol: 'AUSDT', interval: '1h', date }) as const
  const table = 'silver.binance_spot_klines_1h'
  const day = hours(
    '2024-01-02',
    Array.from({ length: 24 }, () => 100),
  )
  await write(archive, file('2024-01-02'), [...day, ...hours('2024-01-02', [100, 101]).slice(1)])
  await ingest('klines')
  const at = [{ symbol: 'AUSDT', severity: 'error', n: 1, since: '2024-01-02 01:00:00+00' }]
  for (const again of [1, 2]) {
    await run('quality')
    assert.deepEqual(await foundBy(lakehouse, 'conflicting_duplicates'), at, `assessment ${again}`)
    await ingest('klines')
  }
  const [found] = await lakehouse.select("SELECT explanation FROM silver.findings WHERE check_id = 'conflicting_duplicates'")
  assert.match(String(found?.['explanation']), /kept \{.*"close":100.*2024-01-02\.zip.*dropped \{.*"close":101.*2024-01-02\.zip/)
  const flagged = `SELECT open_time::VARCHAR AS at FROM ${table}_flagged WHERE list_contains(quality_flags, 'conflicting_duplicates')`
  assert.deepEqual(await lakehouse.select(flagged), [{ at: '2024-01-02 01:00:00+00' }])
  const explained = async (hour: string) => {
    const { out } = await run('explain-row', table, '--symbol', 'AUSDT', '--at', `2024-01-02T0${hour}:00:00Z`, '--json')
    const { items } = JSON.parse(out) as { items: { row: { close: number }; conflicts: { object: string; row: { close: number } }[] }[] }
    return items.map(({ row, conflicts }) => [row.close, conflicts.map((one) => [one.row.close, one.object])])
  }
  const object = printArchiveKey({ ...file('2024-01-02'), market: 'spot', period: 'daily' })
  assert.deepEqual(await explained('1'), [[100, [[101, object]]]])
  assert.deepEqual(await explained('2'), [[100, []]])
  assert.match((await run('explain-row', table, '--symbol', 'AUSDT', '--at', '2024-01-02T01:00:00Z')).out, /dropped {3}\{.*"close":101/)
  // The exchange replaces the file.
  await write(archive, file('2024-01-02'), day)
  await ingest('klines')
  await run('quality')
  assert.deepEqual(await foundBy(lakehouse, 'conflicting_duplicates'), [])
})

test('what the advice of an assessment says to look at has something to show', async (context) => {
  const { archive, ingest, run } = await setUp(context)
  const start = Date.parse('2025-02-01T00:00:00Z')
  const trades = Array.from({ length: 100 }, (_, n) => n).filter((n) => n < 20 || n > 40)
  await write(
    archive,
    { dataset: 'trades', symbol: 'AUSDT', date: '2025-02-01' },
    trades.map((id) => `${id},100,1,100,${start + id * 1000},true,true`),
  )
  await write(
    archive,
    { dataset: 'klines', symbol: 'AUSDT', interval: '1h', date: '2025-02-01' },
    hours(
      '2025-02-01',
      Array.from({ length: 24 }, () => 100),
    ).filter((_, n) => n < 5 || n > 20),
  )
  await ingest('trades')
  await ingest('klines')
  const { out } = await run('quality', '--json')
  const { findings } = JSON.parse(out) as { findings: { check: string; explanation: string }[] }
  const incomplete = findings.filter(({ check }) => check === 'incomplete')
  assert.equal(incomplete.length, 2)
  for (const { explanation } of incomplete) {
    const command = /`crypto-lakehouse ([^`]+)`/.exec(explanation)?.[1] ?? ''
    const { items } = JSON.parse((await run(...command.split(' '), '--json')).out) as { items: unknown[] }
    assert.ok(items.length > 0, command)
  }
})

test('a file whose name does not follow the grammar is left out with a warning in every run, and listed', async (context) => {
  const { archive, run } = await setUp(context)
  const file = { dataset: 'klines', symbol: 'AUSDT', interval: '1d' } as const
  await write(archive, { ...file, date: '2020-07' }, hours('2020-07-01', [1, 2, 3], 24 * HOUR))
  const left = ['data/spot/monthly/klines/AUSDT/1d/AUSDT-1d-2020-8.zip', 'data/spot/monthly/klines/AUSDT/1d/notes.txt']
  for (const key of left) await writeObject(archive, key, Buffer.from('1'), [])
  for (let again = 0; again < 2; again++) {
    const { code, out } = await run('ingest', 'klines', '--archive', archive, '--json')
    const { findings } = JSON.parse(out) as { findings: Record<string, string>[] }
    const named = findings.filter(({ check }) => check === 'unknown_key').map(({ severity, symbol }) => [severity, symbol])
    assert.deepEqual([code, named], [3, left.map((key) => [key.endsWith('.zip') ? 'warning' : 'info', 'AUSDT'])], `run ${again}`)
  }
  const { code, out } = await run('catalog', 'files', '--archive', archive, '--type', 'klines', '--json')
  const listed = JSON.parse(out) as { items: unknown[]; unparsed: string[] }
  assert.deepEqual([code, listed.items.length, listed.unparsed], [0, 1, left])
  const text = await run('catalog', 'files', '--archive', archive, '--type', 'klines')
  assert.match(text.err, /left out, not a key of the archive: .*2020-8\.zip/)
})

test('of trades at one time, only the one that had a conflict names it', async (context) => {
  const { archive, ingest, run } = await setUp(context)
  const at = Date.parse('2025-02-01T00:00:00Z')
  const lines = [1, 2, 3, 2].map((id, n) => `${id},${n === 3 ? 105 : 100},1,100,${at},true,true`)
  await write(archive, { dataset: 'trades', symbol: 'AUSDT', date: '2025-02-01' }, lines)
  await ingest('trades')
  const { out } = await run('explain-row', 'silver.binance_spot_trades', '--symbol', 'AUSDT', '--at', '2025-02-01T00:00:00Z', '--json')
  const { items } = JSON.parse(out) as { items: { row: { id: number }; conflicts: { row: { price: number } }[] }[] }
  const found = items.map(({ row, conflicts }) => [Number(row.id), conflicts.map((one) => one.row.price)])
  assert.deepEqual(found, [
    [1, []],
    [2, [105]],
    [3, []],
  ])
})
