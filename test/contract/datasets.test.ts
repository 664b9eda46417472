import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DATASET_IDS, DATASETS } from '../../src/datasets/registry.ts'
import { SOURCES } from '../../src/sources/registry.ts'
import { silverColumns, silverTableName, valueColumns } from '../../src/sources/series.ts'

test('every offer has files, a first date and exactly the columns of its data set', () => {
  for (const source of SOURCES) {
    for (const { market, dataset, archive } of source.offers) {
      const name = `${source.id} ${market} ${dataset}`
      const { columns, decoderVersion } = source.archive.format(dataset, market)
      const headers = columns.map((column) => column.headers[0])
      assert.ok(headers.length > 2 && new Set(headers).size === headers.length, name)
      assert.ok(Object.keys(archive.periods).length > 0, name)
      assert.match(archive.firstDate, /^20\d\d-\d\d-\d\d$/, name)
      assert.ok(Number.isSafeInteger(decoderVersion) && decoderVersion > 0, name)
      const published = columns.flatMap((column) => (column.name === undefined ? [] : [column.name]))
      const meant = valueColumns({ exchange: source.id, market, dataset }).map((column) => column.name)
      assert.deepEqual(published.toSorted(), meant.toSorted(), name)
    }
  }
})

const OFFERED = SOURCES.flatMap(({ id: exchange, offers }) => offers.map(({ market, dataset }) => ({ exchange, market, dataset })))

for (const id of DATASET_IDS) {
  const contract = DATASETS[id]
  test(`${id}: key and event time are columns, with unique snake-case names`, () => {
    assert.equal(contract.id, id)
    for (const { exchange, market } of OFFERED.filter(({ dataset }) => dataset === id)) {
      const series = { exchange, dataset: id, market, interval: '1m' } as const
      const names = silverColumns(series).map((column) => column.name)
      assert.equal(new Set(names).size, names.length)
      for (const name of names) assert.match(name, /^[a-z][a-z0-9_]*$/)
      for (const name of [...contract.key, contract.eventTime, 'source', 'source_object']) assert.ok(names.includes(name), name)
      assert.match(silverTableName(series), new RegExp(`^${exchange}_${market}_[a-z_]+_1m$`))
    }
  })
}
