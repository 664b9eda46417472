import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { temporaryFolder } from '../support/folders.ts'

const TABLE = 'silver.binance_spot_klines_1m'
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

test('the commands for tables, backup, restore, tiers and the catalog work', async (context) => {
  const cwd = await temporaryFolder(context)
  await smallArchive(join(cwd, 'archive'), {
    start: Date.UTC(2024, 0, 1),
    days: 33,
    tradesPerDay: 60,
    symbols: ['BTCUSDT'],
    periods: ['daily'],
  })
  const run = (...args: string[]) => cli(args, { cwd })
  type Envelope = {
    items: Record<string, unknown>[]
    counts: Record<string, number>
    findings: { check: string }[]
    metadataLocation: string
    sortOrder: string[]
    partitionSpec: object[]
  }
  const json = async (...args: string[]) => {
    const { code, out } = await run(...args, '--json')
    return {
      code,
      ...(JSON.parse(out) as Envelope),
    }
  }
  assert.equal((await run('ingest', 'klines', '--archive', 'archive', '--quiet')).code, 0)
  const list = await json('tables', 'list')
  const found = list.items.find(({ name }) => name === TABLE)
  assert.deepEqual(
    [found?.['rows'], found?.['files'], found?.['from'], found?.['to']],
    [33 * 1440, 2, '2024-01-01T00:00:00Z', '2024-02-02T23:59:00Z'],
  )
  const described = await json('tables', 'describe', TABLE)
  assert.match(described.metadataLocation, /^file:\/\/.*\/v\d+\.metadata\.json$/)
  assert.deepEqual(
    [described.sortOrder, described.partitionSpec],
    [['symbol', 'open_time'], [{ source: 'open_time', transform: 'month', name: 'open_time_month' }]],
  )
  assert.equal((await run('tables', 'tag', TABLE, 'kept')).code, 0)
  const snapshots = await json('tables', 'snapshots', TABLE)
  assert.deepEqual(snapshots.items.at(-1)?.['refs'], ['main', 'kept'])
  for (const verb of ['history', 'files', 'partitions']) assert.ok((await json('tables', verb, TABLE)).items.length > 0, verb)
  for (const verb of ['check', 'health'])
    assert.deepEqual(
      (await json('tables', verb)).findings.filter(({ check }) => check !== 'skewed_partitions'),
      [],
      verb,
    )
  const diff = await json('tables', 'diff', TABLE, 'kept')
  assert.deepEqual([diff.counts['rowsAdded'], diff.counts['rowsRemoved']], [0, 0])
  assert.equal((await json('tables', 'compact', TABLE)).counts['filesBefore'], 0)
  assert.equal((await json('tables', 'expire', TABLE, '--older-than', '0s', '--dry-run')).code, 0)
  assert.equal((await json('tables', 'orphans', TABLE)).counts['filesRemoved'], 0)
  assert.equal((await run('query', `SELECT count(*) FROM ${TABLE}`, '--as-of', 'kept')).code, 0)
  const explained = await run('query', `SELECT * FROM ${TABLE} WHERE open_time >= '2024-02-01'`, '--explain')
  assert.match(explained.out, /1 skipped by partition and 0 by bounds/)
  assert.equal((await json('backup', 'safe')).counts['tables'], list.items.length)
  assert.deepEqual((await json('restore', 'safe', '--dry-run')).counts, {
    tablesRestored: 0,
    tablesLeft: list.items.length,
    segmentsRestored: 0,
  })
  assert.equal((await json('tiers', 'move')).counts['filesMoved'], 0)
  assert.match((await run('tiers', 'lifecycle')).out, /STANDARD_IA/)
  const wrong: [string[], number, RegExp][] = [
    [['tables'], 2, /needs a verb/],
    [['tables', 'paint', TABLE], 2, /has no verb "paint"/],
    [['tables', 'describe'], 2, /describe TABLE/],
    [['tables', 'describe', 'silver.none'], 2, /TABLE_NOT_FOUND/],
    [['tables', 'rollback', TABLE, 'never'], 2, /SNAPSHOT_NOT_FOUND/],
    [['tables', 'untag', TABLE, 'never'], 1, /TABLE_REF_INVALID/],
    [['tables', 'expire', TABLE, '--older-than', 'soon'], 2, /not a duration/],
    [['restore', 'archive'], 1, /OBJECT_NOT_FOUND/],
    [['backup'], 2, /exactly one address/],
    [['catalog-server', '--host', '0.0.0.0'], 2, /LAKEHOUSE_CATALOG_TOKEN/],
  ]
  for (const [args, code, words] of wrong) {
    const { code: ended, err } = await run(...args)
    assert.deepEqual([ended, words.test(err)], [code, true], `${args.join(' ')}: ${ended} ${err}`)
  }
  const server = spawn(process.execPath, [MAIN, 'catalog-server', '--port', '0', '--read-only'], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const url = /http:\S+/.exec(line.toString())?.[0] ?? assert.fail(line.toString())
  const tables = (await (await fetch(`${url}/v1/namespaces/silver/tables`)).json()) as { identifiers: object[] }
  assert.deepEqual(tables.identifiers, [{ namespace: ['silver'], name: 'binance_spot_klines_1m' }])
  server.kill('SIGINT')
  const [code] = (await once(server, 'exit')) as [number]
  assert.equal(code, 0)
})

test('the catalog server requires the configured token and never prints it', async (context) => {
  const cwd = await temporaryFolder(context)
  await emptyLake(join(cwd, 'lakehouse'))
  const token = 'a-secret-of-mine'
  const env = { LAKEHOUSE_CATALOG_TOKEN: token }
  const server = spawn(process.execPath, [MAIN, 'catalog-server', '--port', '0', '--verbose'], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  context.after(() => server.kill('SIGKILL'))
  const told = text(server.stderr)
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const url = /http:[^\s;]+/.exec(line.toString())?.[0] ?? assert.fail(line.toString())
  const status = async (authorization?: string) =>
    (await fetch(`${url}/v1/namespaces`, authorization === undefined ? {} : { headers: { authorization } })).status
  assert.deepEqual([await status(), await status('Bearer another'), await status(`Bearer ${token}`)], [401, 401, 200])
  server.kill('SIGINT')
  await once(server, 'exit')
  assert.doesNotMatch(line.toString() + (await told), new RegExp(token))
  for (const args of [
    ['config', 'show'],
    ['config', 'show', '--json'],
  ]) {
    const { code, out, err } = await cli(args, { cwd, env })
    assert.deepEqual([code, (out + err).includes(token), /catalog\.token/.test(out)], [0, false, true])
  }
})
