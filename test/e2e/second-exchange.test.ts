import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { writeArchive } from '../../src/simulator/archive.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { withSecondExchange, writeSecondArchive } from '../support/second-exchange.ts'

/** The command line of a copy with a second exchange, in a folder with its archive. */
async function setUp(context: TestContext) {
  const folder = await temporaryFolder(context)
  const main = await withSecondExchange(join(folder, 'product'))
  const archive = join(folder, 'archive')
  const written = await writeSecondArchive(archive, 3)
  const run = async (...args: string[]) => await cli([...args, '--lake', join(folder, 'lake')], { cwd: folder, main })
  const json = async (...args: string[]) => {
    const { code, out, err } = await run(...args, '--json')
    assert.ok(code === 0 || code === 3, `${args.join(' ')}: ${err}${out}`)
    return JSON.parse(out)
  }
  const select = async (sql: string) => (await run('query', sql, '--format', 'csv')).out.trim().split('\n').slice(1)
  return { folder, archive, written, run, json, select }
}

test('a second exchange needs a folder and a line, and works from end to end', async (context) => {
  const { folder, archive, written, run, json, select } = await setUp(context)
  const from = ['--exchange', 'tiny', '--archive', archive]

  const matrix = await json('catalog', 'matrix', '--exchange', 'tiny')
  assert.deepEqual(
    matrix.items.map(({ market, type }: { market: string; type: string }) => `${market} ${type}`),
    ['cash klines', 'cash trades', 'swap klines', 'swap trades'],
  )
  const listed = await json('catalog', 'files', '--type', 'trades', ...from)
  assert.equal(listed.items[0].key, 'tiny/exports/cash/trades/day/BTC-USD/2024-01-01.zip')

  const ingested = await json('ingest', 'all', ...from)
  assert.deepEqual(
    [ingested.errors, ingested.counts.filesFetched, ingested.counts.rowsRead, ingested.counts.rowsWritten, ingested.counts.rowsRejected],
    [[], written.files, written.rows, written.rows, 0],
  )
  const tables = (await json('status')).items.map(({ name }: { name: string }) => name)
  for (const name of ['silver.tiny_cash_klines_1m', 'silver.tiny_swap_trades', 'gold.tiny_swap_bars_4h', 'gold.universe'])
    assert.ok(tables.includes(name), name)
  const again = await json('ingest', 'all', ...from)
  assert.deepEqual([again.status, again.counts.filesSkipped, again.counts.partitionsWritten], ['done', written.files, 0])

  // Rules that ask for roles: bars are what trades and finer bars make, in the units of each market; what is missing was not traded, as the numbers of the trades tell.
  const quality = await json('quality')
  const wrong = quality.findings.filter(({ severity }: { severity: string }) => severity !== 'info')
  assert.deepEqual(
    wrong.map(({ table, check, count }: Record<string, unknown>) => [table, check, count]),
    [
      ['silver.tiny_cash_klines_1m', 'gap', 30],
      ['silver.tiny_swap_klines_1m', 'gap', 30],
    ],
  )
  const gaps = await json('gaps')
  assert.deepEqual(
    gaps.items.map(({ table, missingPeriods, cause }: Record<string, unknown>) => [table, missingPeriods, cause]),
    [
      ['silver.tiny_cash_klines_1m', 30, 'no_trades'],
      ['silver.tiny_swap_klines_1m', 30, 'no_trades'],
    ],
  )

  // Bars of every kind: made of bars, of trades, and by amount; each in the market's own columns.
  const hours = await select(
    'SELECT open_time, open, high, low, close, contracts, base_volume, trade_count FROM silver.tiny_swap_klines_1h ORDER BY 1',
  )
  const made = await select(
    "SELECT open_time, open, high, low, close, contracts, base_volume, trade_count FROM resample('silver.tiny_swap_klines_1m', 'BTC-USD-SWAP', '1h') ORDER BY 1",
  )
  const ofTrades = await select(
    "SELECT open_time, open, high, low, close, contracts, base_volume, trade_count FROM resample('silver.tiny_swap_trades', 'BTC-USD-SWAP', '1h') ORDER BY 1",
  )
  assert.equal(hours.length, 72)
  assert.deepEqual([made, ofTrades], [hours, hours])
  const resampled = await run('resample', 'silver.tiny_cash_klines_1m', '--every', '4h', '--symbols', 'BTC-USD', '--format', 'csv')
  assert.equal(resampled.out.trim().split('\n').length, 19)
  const average = await select(
    "SELECT min(vwap) >= 100, max(vwap) <= 110 FROM event_bars('silver.tiny_cash_trades', 'BTC-USD', 'volume:500')",
  )
  assert.deepEqual(average, ['true,true'])

  // Indicators, aggregations, origins of rows, the universe and exports know nothing of the exchange either.
  assert.deepEqual(await select("SELECT count(vwap) FROM indicators('gold.tiny_swap_bars_4h', 'BTC-USD-SWAP', 'vwap')"), ['18'])
  assert.deepEqual(await select("SELECT count(*), max(share) FROM aggregate('cross_section', 'swap', '*', exchange := 'tiny')"), ['3,1.0'])
  const origin = await json('explain-row', 'silver.tiny_cash_trades', '--symbol', 'BTC-USD', '--at', '2024-01-02T00:00:00Z')
  assert.deepEqual([origin.items[0].object, origin.items[0].line], ['tiny/exports/cash/trades/day/BTC-USD/2024-01-02.zip', 1])
  const universe = await json('universe')
  assert.deepEqual(
    universe.items.map(({ exchange, market, symbol, base, contractType, contractSize }: Record<string, unknown>) => [
      exchange,
      market,
      symbol,
      base,
      contractType,
      contractSize,
    ]),
    [
      ['tiny', 'cash', 'BTC-USD', 'BTC', 'spot', null],
      ['tiny', 'swap', 'BTC-USD-SWAP', 'BTC', 'perpetual', 100],
    ],
  )
  await json('export', 'silver.tiny_swap_klines_1h', '--as', 'freqtrade', '--output', join(folder, 'freqtrade'))
  assert.deepEqual(await readdir(join(folder, 'freqtrade', 'futures')), ['BTC_USD_BTC-1h-futures.feather'])

  // A transfer knows the keys and the digests of the exchange.
  const mirror = join(folder, 'mirror')
  const moved = await json('sync', archive, mirror, '--exchange', 'tiny', '--type', 'trades', '--market', 'swap', '--verify', 'sha256')
  assert.equal(moved.counts.objectsCopied, 6)
  assert.equal((await json('tables', 'check')).status, 'done')
})

test('two exchanges share a lake without mixing their data', async (context) => {
  const { folder, archive, json, select } = await setUp(context)
  const other = join(folder, 'other')
  await writeArchive(other, {
    seed: 'beside',
    start: Date.UTC(2024, 0, 1),
    days: 2,
    tradesPerDay: 200,
    periods: ['daily'],
    series: [{ market: 'spot', symbol: 'BTCUSDT', types: ['klines'], intervals: ['1h'] }],
  })
  await json('ingest', 'klines', '--exchange', 'tiny', '--archive', archive, '--interval', '1m')
  const gaps = await json('gaps')
  assert.deepEqual(
    gaps.items.map(({ symbol, cause, evidence }: Record<string, unknown>) => [symbol, cause, evidence]),
    [
      ['BTC-USD', 'exchange_outage', 'reported 2024-01-02T10:10:00Z – 2024-01-02T10:40:00Z'],
      ['BTC-USD-SWAP', 'unknown', '1 verified objects cover it and have no such rows'],
    ],
  )
  await json('universe', '--listing', '--exchange', 'tiny', '--archive', archive)
  const before = await select('SELECT * FROM silver.tiny_cash_klines_1m ORDER BY ALL')
  await json('ingest', 'klines', '--archive', other)
  await json('universe', '--listing', '--archive', other)
  assert.deepEqual(await select('SELECT * FROM silver.tiny_cash_klines_1m ORDER BY ALL'), before)
  assert.deepEqual(await select('SELECT exchange, market, symbol FROM gold.universe ORDER BY ALL'), [
    'binance,spot,BTCUSDT',
    'tiny,cash,BTC-USD',
    'tiny,swap,BTC-USD-SWAP',
  ])
  assert.deepEqual(await select('SELECT DISTINCT exchange, market FROM silver.archive_listing ORDER BY ALL'), [
    'binance,spot',
    'tiny,cash',
    'tiny,swap',
  ])
  const silver = await json('ingest', 'klines', '--layers', 'silver', '--exchange', 'tiny', '--archive', archive)
  assert.deepEqual(silver.tables, ['silver.tiny_cash_klines_1m', 'silver.tiny_swap_klines_1m'])
})
