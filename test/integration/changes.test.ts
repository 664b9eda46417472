import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openEmptyLake, openLakehouse } from '../support/lakehouse.ts'

const TABLE = 'silver.binance_spot_klines_1m'

test('what changed since a snapshot is listed by partition, with times, symbols and rows', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  await smallArchive(archive, { days: 2, symbols: ['BTCUSDT', 'ETHUSDT'] })
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  await lakehouse.withTables(true, (tables) => tables.tag(TABLE, 'read', undefined))
  const run = (...args: string[]) => cli(['changes', TABLE, '--since', 'read', ...args, '--lake', lake], { cwd: folder })
  assert.match((await run()).out, /No rows have changed/)
  // Another day in a new month for both symbols, and a republished day of one symbol.
  const defects = new Map([[dailyKey('BTCUSDT', '2024-01-31'), [{ kind: 'missing-lines' as const, from: 10, count: 5 }]]])
  await smallArchive(archive, { days: 3, symbols: ['BTCUSDT', 'ETHUSDT'], defects })
  await ingestKlines(lakehouse)
  const { items, counts } = JSON.parse((await run('--json')).out)
  assert.deepEqual(items, [
    {
      partition: 'open_time_month=2024-01',
      change: 'rewritten',
      from: '2024-01-30T00:00:00Z',
      to: '2024-01-31T23:59:00Z',
      symbolFrom: 'BTCUSDT',
      symbolTo: 'ETHUSDT',
      rowsRemoved: 5760,
      rowsAdded: 5755,
    },
    {
      partition: 'open_time_month=2024-02',
      change: 'added',
      from: '2024-02-01T00:00:00Z',
      to: '2024-02-01T23:59:00Z',
      symbolFrom: 'BTCUSDT',
      symbolTo: 'ETHUSDT',
      rowsRemoved: 0,
      rowsAdded: 2880,
    },
  ])
  assert.deepEqual(counts, { partitions: 2, rowsRemoved: 5760, rowsAdded: 8635 })
  assert.match((await run()).out, /rewritten +open_time_month=2024-01 .*BTCUSDT – ETHUSDT +5760 +5755/)
  for (const [args, code] of [
    [[TABLE], 2],
    [[TABLE, '--since', '123'], 2],
    [['silver.none', '--since', 'read'], 2],
  ] as const)
    assert.equal((await cli(['changes', ...args, '--lake', lake], { cwd: folder })).code, code, args.join(' '))
})

test('a compaction changes no rows; what a rollback took back is listed as removed', async (context) => {
  const lakehouse = await openEmptyLake(context)
  const shape = { fields: [{ id: 1, name: 'id', type: 'int' as const, required: false }], partition: [], sort: ['id'] }
  const append = (id: number) =>
    lakehouse.withTables(true, (tables) => tables.write('gold.own', `SELECT ${id} AS id`, { mode: 'append', shape }))
  for (const id of [1, 2, 3, 4]) await append(id)
  await lakehouse.withTables(true, (tables) => tables.tag('gold.own', 'four', undefined))
  const since = () => lakehouse.withTables(false, (tables) => tables.changes('gold.own', { tag: 'four' }))
  await lakehouse.withTables(true, (tables) => tables.compact('gold.own'))
  assert.deepEqual(await since(), [])
  await append(5)
  const none = { partition: '', from: null, to: null, symbolFrom: null, symbolTo: null }
  assert.deepEqual(await since(), [{ ...none, change: 'added', rowsRemoved: 0, rowsAdded: 1 }])
  const [first] = await lakehouse.withTables(false, (tables) => tables.snapshots('gold.own'))
  await lakehouse.withTables(true, (tables) => tables.rollback('gold.own', { snapshot: first?.snapshotId ?? 0 }))
  assert.deepEqual(await since(), [{ ...none, change: 'removed', rowsRemoved: 3, rowsAdded: 0 }])
})
