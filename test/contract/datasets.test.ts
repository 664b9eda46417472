import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DATASET_IDS, DATASETS, silverColumns, silverTableName } from '../../src/datasets/registry.ts'
import { ARCHIVE_MATRIX } from '../../src/sources/binance/archive/matrix.ts'

test('every entry of the matrix has columns, files and a first date; data sets read exactly the published columns', () => {
  for (const entry of ARCHIVE_MATRIX) {
    const name = `${entry.market} ${entry.type}`
    assert.ok(entry.columns.length > 2 && new Set(entry.columns).size === entry.columns.length, name)
    assert.ok(Object.keys(entry.periods).length > 0, name)
    assert.match(entry.firstDate, /^20\d\d-\d\d-\d\d$/, name)
    const columns = DATASETS[entry.type].columns(entry.market)
    assert.deepEqual(
      columns.map((column) => column.headers[0]),
      entry.columns,
      name,
    )
  }
})

for (const id of DATASET_IDS) {
  const contract = DATASETS[id]
  test(`${id}: it is the type of its own name; key, event time and sort are columns; names are unique and in snake case`, () => {
    assert.deepEqual([contract.id, contract.archiveType], [id, id])
    for (const { market } of ARCHIVE_MATRIX.filter(({ type }) => type === id)) {
      const series = { dataset: id, market, interval: '1m' } as const
      const names = silverColumns(series).map((column) => column.name)
      assert.equal(new Set(names).size, names.length)
      for (const name of names) assert.match(name, /^[a-z][a-z0-9_]*$/)
      for (const name of [...contract.key, contract.eventTime, 'source', 'source_object']) assert.ok(names.includes(name), name)
      assert.match(silverTableName(series), /^binance_(spot|um|cm|option)_[a-z_]+_1m$/)
    }
  })
}
