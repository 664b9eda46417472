import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { commit } from '../../src/lake/iceberg/commit.ts'
import { dataFileKey } from '../../src/lake/iceberg/partition-folder.ts'
import { partitionField } from '../../src/lake/iceberg/schema.ts'
import { currentFiles, keyOf, loadTable, urlOf } from '../../src/lake/iceberg/table.ts'
import { localStore } from '../../src/storage/local.ts'
import { smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { liveState } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

test('a partition has one folder, called as people call it', () => {
  const at = (fields: Parameters<typeof partitionField>[], values: Parameters<typeof dataFileKey>[2]) =>
    dataFileKey(
      'silver/t',
      fields.map((field) => partitionField(...field)),
      values,
      'f.parquet',
    )
  assert.equal(at([], []), 'silver/t/data/f.parquet')
  assert.equal(at([['time', 'year']], [54]), 'silver/t/data/time_year=2024/f.parquet')
  assert.equal(at([['time', 'month']], [648]), 'silver/t/data/time_month=2024-01/f.parquet')
  assert.equal(at([['time', 'day']], [-1]), 'silver/t/data/time_day=1969-12-31/f.parquet')
  assert.equal(at([['time', 'hour']], [25]), 'silver/t/data/time_hour=1970-01-02T01/f.parquet')
  const name: Parameters<typeof partitionField> = ['name', 'identity']
  assert.equal(at([name, ['id', 'bucket[8]']], ['BTC/USDT', 3]), 'silver/t/data/name=BTC%2FUSDT/id_bucket=3/f.parquet')
  assert.equal(at([name], [null]), 'silver/t/data/name=null/f.parquet')
})

/** Puts the files of a table into folders called by the number of the partition, as tables were once written in another way. */
async function spellOtherwise(lake: string, root: string): Promise<number> {
  const store = localStore(lake)
  const table = (await loadTable(store, root)) ?? assert.fail()
  const files = await currentFiles(table)
  const moved = files.map((file) => {
    const key = keyOf(store, file.path)
    const other = key.replace(/=[^/]+\//, `=${file.partition[0]}/`)
    assert.notEqual(other, key)
    return { file, key, other }
  })
  for (const { key, other } of moved) await store.copy(key, other)
  await commit(store, root, table.shape, { nowMs: Date.now, random: Math.random, onConflict: () => {} }, async () => ({
    operation: 'replace',
    add: moved.map(({ file, other }) => ({ ...file, path: urlOf(store, other) })),
    remove: new Set(files.map(({ path }) => path)),
    summary: {},
  }))
  for (const { key } of moved) await store.delete(key)
  return moved.length
}

test('a lake with folders of two spellings is up to date as it is, and compaction puts every file where it belongs', async (context) => {
  const folder = await temporaryFolder(context)
  const [archive, lake] = [join(folder, 'archive'), join(folder, 'lake')]
  await smallArchive(archive, { symbols: ['BTCUSDT', 'XRPUSDT'], days: 3, tradesPerDay: 50 })
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  await lakehouse.withGold(true, (gold) =>
    gold.saveIndicators({ name: 'kept', source: 'gold.binance_spot_bars_4h', spec: 'sma(2)', benchmark: '' }),
  )
  const select = async () =>
    await lakehouse.select('SELECT * FROM silver.binance_spot_klines_1m FULL JOIN gold.kept USING (symbol, open_time) ORDER BY 1, 2')
  const [before, rows] = [await liveState(lake), await select()]
  const roots = ['silver/binance_spot_klines_1m', 'gold/binance_spot_bars_4h', 'gold/kept']
  let spelt = 0
  for (const root of roots) spelt += await spellOtherwise(lake, root)
  assert.ok(spelt >= 6)
  assert.deepEqual(await select(), rows)

  const again = await ingestKlines(lakehouse)
  assert.deepEqual([again.counts.filesFetched, again.counts.partitionsWritten, again.findings], [0, 0, []])

  let moved = 0
  for (const root of roots) moved += (await lakehouse.withTables(true, (tables) => tables.compact(root.replace('/', '.')))).filesMoved
  assert.equal(moved, spelt)
  assert.deepEqual([await select(), await liveState(lake)], [rows, before])
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
  for (const root of roots)
    assert.equal((await lakehouse.withTables(true, (tables) => tables.compact(root.replace('/', '.')))).filesMoved, 0, root)
})

test('what is written again into a partition that lies in a folder of another name is not there twice', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  const lakehouse = openLakehouse({ lake, archive: folder })
  await lakehouse.withStore(async () => {})
  const sql =
    "SELECT symbol, TIMESTAMPTZ '2024-01-05 00:00:00+00' + to_days(n::INTEGER) AS time, n::DOUBLE AS price FROM (VALUES ('A', 0), ('B', 40)) v(symbol, n)"
  const shape = {
    fields: [
      { id: 1, name: 'symbol', required: false, type: 'string' },
      { id: 2, name: 'time', required: false, type: 'timestamptz' },
      { id: 3, name: 'price', required: false, type: 'double' },
    ],
    partition: [partitionField('time', 'month')],
    sort: ['symbol'],
  } as const
  await lakehouse.withTables(true, (tables) => tables.create('silver.made', shape))
  const write = (mode: 'append' | 'overwrite') => lakehouse.withTables(true, (tables) => tables.write('silver.made', sql, { mode }))
  await write('append')
  assert.equal(await spellOtherwise(lake, 'silver/made'), 2)
  for (const mode of ['append', 'overwrite'] as const) {
    await write(mode)
    assert.equal((await lakehouse.select('SELECT * FROM silver.made')).length, 2, mode)
  }
})
