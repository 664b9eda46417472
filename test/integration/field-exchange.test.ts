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
  await run('quality', table)
  const scores = await lakehouse.select(
    `SELECT strftime(day, '%d') AS d, completeness FROM silver.quality WHERE table_name = '${table}' ORDER BY 1`,
  )
  assert.deepEqual(scores, [
    { d: '01', completeness: 1 },
    { d: '02', completeness: 0.25 },
    { d: '03', completeness: 1 },
  ])
})
