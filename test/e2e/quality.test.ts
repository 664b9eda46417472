import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeObject } from '../../src/simulator/archive.ts'
import { smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'

const TABLE = 'silver.binance_spot_klines_1m'
const KEY = 'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-03.zip'

test('the quality commands report what is wrong with the data', async (context) => {
  const cwd = await temporaryFolder(context)
  const days = { start: Date.UTC(2024, 0, 1), days: 5, tradesPerDay: 60, symbols: ['BTCUSDT'], periods: ['daily' as const] }
  await smallArchive(join(cwd, 'archive'), days)
  const minutes = Array.from({ length: 1440 }, (_, n) => Date.UTC(2024, 0, 3) + n * 60_000)
  const line = (ms: number, n: number) => [ms, 10, n === 9 ? 1 : 12, 9, n === 11 ? 'x' : 11, 5, ms + 59_999, 52, 3, 2, 21, 0].join(',')
  const csv = minutes.flatMap((ms, n) => (n > 99 && n < 200 ? [] : [line(ms, n)])).join('\n')
  await writeObject(join(cwd, 'archive'), KEY, Buffer.from(`${csv}\n`), [])
  const json = async (...args: string[]) => {
    const { code, out, err } = await cli([...args, '--json'], { cwd })
    assert.equal(err, '', args.join(' '))
    type Envelope = { counts: Record<string, number>; findings: Record<string, unknown>[]; items: Record<string, unknown>[] }
    return { code, ...(JSON.parse(out) as Envelope) }
  }
  assert.equal((await cli(['ingest', 'klines', '--archive', 'archive', '--quiet'], { cwd })).code, 3)
  const quality = await json('quality', '--html', 'page.html')
  assert.equal(quality.code, 3)
  assert.deepEqual([quality.items[0]?.['table'], quality.items[0]?.['rows']], [TABLE, 5 * 1440 - 101])
  const page = await readFile(join(cwd, 'page.html'), 'utf8')
  assert.match(page, /<svg[\s\S]*2024-01-03[\s\S]*class="error">error<\/span><td>ohlc/)
  assert.ok(!/https?:\/\//.test(page), 'the page is self-contained')
  const errors = await json('findings', TABLE, '--severity', 'error')
  assert.deepEqual(
    errors.items.map(({ check, from, count }) => [check, from, count]),
    [
      ['rejected_rows', '2024-01-03T00:00:00Z', 1],
      ['ohlc', '2024-01-03T00:09:00Z', 1],
    ],
  )
  const gaps = await json('gaps', TABLE)
  assert.equal(gaps.code, 3)
  assert.deepEqual(
    gaps.items.map(({ gapStart, missingPeriods, cause }) => [gapStart, missingPeriods, cause]),
    [
      ['2024-01-03T00:11:00Z', 1, 'unknown'],
      ['2024-01-03T01:40:00Z', 100, 'unknown'],
    ],
  )
  assert.deepEqual([gaps.counts['totalGaps'], gaps.counts['totalMissingPeriods']], [2, 101])
  const quarantine = await json('quarantine')
  assert.deepEqual([quarantine.items[0]?.['line'], quarantine.items[0]?.['column'], quarantine.counts['lines']], [12, 'close', 1])
  const explained = await json('explain-row', TABLE, '--symbol', 'BTCUSDT', '--at', '2024-01-03T00:09:00Z')
  assert.deepEqual([explained.items[0]?.['object'], explained.items[0]?.['line']], [KEY, 10])
  const universe = await json('universe', '2024-01-02', '--quote', 'USDT', '--plain')
  assert.deepEqual(
    universe.items.map(({ symbol }) => symbol),
    ['BTCUSDT'],
  )
  assert.equal((await json('reconcile')).counts['months'], 0)
  assert.deepEqual((await json('revisions', 'list')).items, [])
  assert.match((await cli(['quarantine', 'drop', KEY, '--line', '12', '--reason', 'not a bar'], { cwd })).out, /dropped \S+ line 12/)
  const decided = await json('quarantine')
  assert.deepEqual([decided.code, decided.counts['open'], decided.items[0]?.['dropped']], [0, 0, true])
  for (const command of ['findings', 'gaps', 'quarantine', 'universe', 'reconcile']) {
    await cli([command, '--html', `${command}.html`, '--quiet'], { cwd })
    const report = await readFile(join(cwd, `${command}.html`), 'utf8')
    assert.match(report, /^<!doctype html>[\s\S]*<table|None\./, command)
    assert.ok(!/https?:\/\//.test(report), `${command}: the page is self-contained`)
  }
  assert.match(await readFile(join(cwd, 'gaps.html'), 'utf8'), /2024-01-03: 93\.0 % in the lake/)
  const plan = await json('gaps', TABLE, '--plan', '--synthetic')
  assert.deepEqual([plan.counts['rowsFillable'], plan.counts['totalMissingPeriods']], [101, 101])
  const filled = await json('gaps', TABLE, '--fill')
  assert.deepEqual([filled.code, filled.counts['rowsFilled'], filled.counts['rowsOpen'], filled.counts['requests']], [3, 0, 101, 2])
  assert.match((await cli(['gaps', TABLE, '--fill', '--synthetic'], { cwd })).out, /synthetic +filled[\s\S]*0 gaps, 0 rows missing/)
  for (const args of [['quality'], ['findings'], ['gaps'], ['quarantine'], ['universe'], ['reconcile'], ['revisions']])
    assert.notEqual((await cli(args, { cwd })).out, '', args.join(' '))
  for (const args of [
    ['explain-row', TABLE],
    ['universe', 'yesterday'],
    ['findings', '--severity', 'bad'],
    ['revisions', 'diff'],
    ['gaps', 'silver.nothing'],
    ['gaps', '--synthetic'],
    ['quarantine', 'drop', KEY, '--line', '12'],
    ['quarantine', 'release', KEY, '--reason', 'x'],
    ['quarantine', 'burn', KEY],
    ['universe', '--contract', 'swap'],
  ])
    assert.equal((await cli(args, { cwd })).code, 2, args.join(' '))
})
