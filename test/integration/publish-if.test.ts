import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parsePublishRule } from '../../src/flows/bulk-ingestion/publish-rule.ts'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { leftovers } from '../support/lake-state.ts'
import { openLakehouse } from '../support/lakehouse.ts'

const TABLE = 'silver.binance_spot_klines_1m'
const BAD = new Map([[dailyKey('BTCUSDT', '2024-02-01'), [{ kind: 'missing-lines' as const, from: 100, count: 900 }]]])

test('a day that does not meet the rule never reaches readers; it stays on a branch until it is corrected', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  const lakehouse = openLakehouse({ lake, archive })
  const run = async (rule: string) => {
    const { code, out, err } = await cli(['ingest', 'klines', '--publish-if', rule, '--archive', archive, '--lake', lake, '--json'], {
      cwd: folder,
    })
    assert.ok(code === 0 || code === 3, err)
    const { findings } = JSON.parse(out) as {
      findings: { check: string; severity: string; explanation: string; symbol: string; from: string }[]
    }
    return { code, refused: findings.filter(({ check }) => check === 'not_published') }
  }
  const rows = async (table: string, tag?: string) => {
    const [row] = await lakehouse.select(`SELECT count(*)::INT AS n FROM ${table}`, tag === undefined ? undefined : { tag })
    return row?.['n']
  }
  // The first day is good: published, with bars made of it.
  await smallArchive(archive, { days: 1, symbols: ['BTCUSDT'] })
  assert.deepEqual(await run('score>=90 and errors=0'), { code: 0, refused: [] })
  assert.deepEqual([await rows(TABLE), await rows('gold.binance_spot_bars_1h')], [1440, 24])
  // The third day lacks most of its rows.
  await smallArchive(archive, { days: 3, symbols: ['BTCUSDT'], defects: BAD })
  const { code, refused } = await run('completeness>=0.9')
  assert.equal(code, 3)
  assert.deepEqual(
    [refused.length, refused[0]?.severity, refused[0]?.symbol, refused[0]?.from],
    [1, 'error', 'BTCUSDT', '2024-02-01T00:00:00Z'],
  )
  assert.match(refused[0]?.explanation ?? '', /BTCUSDT 2024-02-01: completeness is 0\.\d+, not >=0\.9.*--as-of staged/)
  assert.deepEqual([await rows(TABLE), await rows('gold.binance_spot_bars_1h')], [1440, 24], 'readers see what they saw before')
  assert.equal(await rows(TABLE, 'staged'), 1440 + 1440 + 540)
  assert.equal((await run('completeness>=0.9')).refused.length, 1, 'and the next run says so again')
  // A corrected file is published with the rest, and nothing is left of the branch.
  await smallArchive(archive, { days: 3, symbols: ['BTCUSDT'] })
  assert.deepEqual((await run('completeness>=0.9')).refused, [])
  assert.deepEqual([await rows(TABLE), await rows('gold.binance_spot_bars_1h')], [3 * 1440, 72])
  const { refs } = await lakehouse.withTables(false, (tables) => tables.describe(TABLE))
  assert.deepEqual(
    refs.map(({ name }) => name),
    ['main'],
  )
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined, { deep: true })), [])
  assert.deepEqual(await leftovers(lake), [])
})

test('a table whose first rows are refused is empty for readers; a branch that main has left behind is dropped', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  const lakehouse = openLakehouse({ lake, archive })
  await smallArchive(archive, { days: 3, symbols: ['BTCUSDT'], defects: BAD })
  const ingest = (...more: string[]) => cli(['ingest', 'klines', '--archive', archive, '--lake', lake, '--quiet', ...more], { cwd: folder })
  assert.equal((await ingest('--publish-if', 'score>=99.9')).code, 3)
  assert.deepEqual(await lakehouse.select(`SELECT count(*)::INT AS n FROM ${TABLE}`), [{ n: 0 }])
  // Without a rule the rows are published; the branch no longer leads to anything.
  await ingest()
  assert.deepEqual(await lakehouse.select(`SELECT count(*)::INT AS n FROM ${TABLE}`), [{ n: 3420 }])
  await smallArchive(archive, { days: 3, symbols: ['BTCUSDT'] })
  assert.equal((await ingest('--publish-if', 'completeness>=0.9')).code, 0)
  assert.deepEqual(await lakehouse.select(`SELECT count(*)::INT AS n FROM ${TABLE}`), [{ n: 4320 }])
  assert.deepEqual(
    (await lakehouse.withTables(false, (tables) => tables.describe(TABLE))).refs.map(({ name }) => name),
    ['main'],
  )
})

test('a rule that cannot be read is refused with its metrics, before anything is fetched', async (context) => {
  const folder = await temporaryFolder(context)
  for (const rule of ['scores>=95', 'score', 'score >= x', 'score>=95 or errors=0', ''])
    assert.throws(
      () => parsePublishRule(rule),
      { code: 'USAGE', message: /write METRIC>=NUMBER, such as score>=95.*score, .*errors/ },
      rule,
    )
  assert.deepEqual(parsePublishRule('score >= 95 and errors=0'), [
    { metric: 'score', operator: '>=', limit: 95 },
    { metric: 'errors', operator: '=', limit: 0 },
  ])
  const { code, err } = await cli(['ingest', 'klines', '--publish-if', 'nonsense', '--archive', folder, '--lake', join(folder, 'lake')], {
    cwd: folder,
  })
  assert.equal(code, 2)
  assert.match(err, /cannot read the condition "nonsense"/)
})
