import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryFolder } from '../../../test/support/folders.ts'
import { localStore } from '../../storage/local.ts'
import { commit } from './commit.ts'
import type { DataFile } from './manifest.ts'
import { type Predicate, planScan } from './scan.ts'
import { fieldsOf, type PartitionField, partitionField, periodRange } from './schema.ts'
import { loadTable, snapshotOf, urlOf } from './table.ts'
import { applyTransform, murmur3, periodOf, type Transform } from './transform.ts'
import { type ColumnValue, compareValues, decodeValue, encodeHashed, encodeValue, type IcebergType } from './values.ts'

const FIELDS = fieldsOf([
  { name: 'symbol', type: 'string', doc: '' },
  { name: 'open_time', type: 'instant', doc: '' },
  { name: 'close', type: 'double', doc: '' },
])

const cut = (source: string, transform: Transform, id = 1000) => partitionField(source, transform, id)

/** Tables with every kind of partition. */
const SPECS: readonly (readonly PartitionField[])[] = [
  [],
  [cut('open_time', 'month')],
  [cut('open_time', 'year'), cut('symbol', 'identity', 1001)],
  [cut('symbol', 'bucket[4]'), cut('open_time', 'day', 1001)],
  [cut('symbol', 'truncate[1]')],
  [cut('open_time', 'hour'), cut('close', 'void', 1001)],
]

type Row = { symbol: string | null; open_time: number; close: number | null }
type Column = keyof Row

const row = fc.record({
  symbol: fc.option(fc.constantFrom('A', 'AB', 'ABC', 'B', 'Z', 'é', '币', '币安', '😀'), { freq: 8 }),
  open_time: fc.integer({ min: -50_000, max: 50_000 }).map((hours) => hours * 3_600_000_000),
  close: fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { freq: 8 }),
})
const column = fc.constantFrom<Column>('symbol', 'open_time', 'close')
const valued = fc.record({ one: row, column }).filter(({ one, column: name }) => one[name] !== null)
const predicate: fc.Arbitrary<Predicate> = fc.oneof(
  valued.chain(({ one, column: name }) =>
    fc
      .constantFrom('=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const)
      .map((op): Predicate => ({ column: name, op, value: one[name] ?? 0 })),
  ),
  valued.map(({ one, column: name }): Predicate => ({ column: name, op: 'in', values: [one[name] ?? 0] })),
  fc.constantFrom('A', 'AB', 'é', '币', '币安x').map((value): Predicate => ({ column: 'symbol', op: 'starts with', value })),
  column.map((name): Predicate => ({ column: name, op: 'is null' })),
  column.map((name): Predicate => ({ column: name, op: 'is not null' })),
)

function holds(one: Row, condition: Predicate): boolean {
  const value = one[condition.column as Column]
  if (condition.op === 'is null') return value === null
  if (value === null) return false
  if (condition.op === 'is not null') return true
  if (condition.op === 'starts with') return String(value).startsWith(condition.value)
  if (condition.op === 'in') return condition.values.some((other) => compareValues(value, other) === 0)
  const order = compareValues(value, condition.value)
  return { '=': order === 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[condition.op]
}

function fileOf(path: string, rows: readonly Row[], partition: readonly (ColumnValue | null)[]): DataFile {
  const values = (name: Column) => rows.flatMap((one) => one[name] ?? []).sort(compareValues)
  const columns = (['symbol', 'open_time', 'close'] as const).map((name, index) => ({ id: index + 1, held: values(name) }))
  const bound = (at: number) => new Map(columns.flatMap(({ id, held }) => (held.length === 0 ? [] : [[id, held.at(at) ?? 0] as const])))
  return {
    path,
    specId: 0,
    partition,
    rows: rows.length,
    bytes: 1,
    columnBytes: new Map(),
    nulls: new Map(columns.map(({ id, held }) => [id, rows.length - held.length])),
    lower: bound(0),
    upper: bound(-1),
    nans: undefined,
    sorted: false,
  }
}

test('a scan keeps every file with a matching row, for every kind of partition', async (context) => {
  const folder = await temporaryFolder(context)
  let round = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...SPECS),
      fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
      fc.array(predicate, { maxLength: 3 }),
      async (partition, groups, conditions) => {
        const store = localStore(`${folder}/${round++}`)
        const types = { symbol: 'string', open_time: 'timestamptz', close: 'double' } as const
        const tupleOf = (one: Row) =>
          partition.map(({ source, transform }) => applyTransform(transform, types[source as Column], one[source as Column]))
        const files = groups.flatMap((rows, group) => {
          const parts = Map.groupBy(rows, (one) => JSON.stringify(tupleOf(one)))
          return [...parts.values()].map((some, part) => ({
            some,
            file: fileOf(urlOf(store, `t/data/${group}-${part}`), some, some[0] === undefined ? [] : tupleOf(some[0])),
          }))
        })
        const deps = { nowMs: () => 0, random: () => 0, onConflict: () => {} }
        const shape = { fields: FIELDS, partition, sort: [] }
        await commit(store, 't', shape, deps, async () => ({ operation: 'append', add: files.map(({ file }) => file), remove: new Set() }))
        const table = (await loadTable(store, 't')) ?? assert.fail()
        const plan = await planScan(table, snapshotOf(table, undefined), conditions)
        const planned = new Set(plan.files.map((file) => file.path))
        for (const { some, file } of files)
          if (some.some((one) => conditions.every((condition) => holds(one, condition)))) assert.ok(planned.has(file.path))
        assert.equal(plan.files.length + plan.filesSkipped, files.length)
      },
    ),
    { numRuns: 200 },
  )
})

test('files that a condition excludes are not opened', async (context) => {
  const store = localStore(await temporaryFolder(context))
  const months = Array.from({ length: 12 }, (_, month) => {
    const rows = ['A', 'B'].map((symbol) => ({ symbol, open_time: Date.UTC(2024, month, 5) * 1000, close: month }))
    return fileOf(urlOf(store, `t/data/${month}`), rows, [54 * 12 + month])
  })
  const shape = { fields: FIELDS, partition: [cut('open_time', 'month')], sort: [] }
  const deps = { nowMs: () => 0, random: () => 0, onConflict: () => {} }
  await commit(store, 't', shape, deps, async () => ({ operation: 'append', add: months, remove: new Set() }))
  const table = (await loadTable(store, 't')) ?? assert.fail()
  const plan = (...conditions: Predicate[]) => planScan(table, snapshotOf(table, undefined), conditions)
  const after = { column: 'open_time', op: '>=', value: Date.UTC(2024, 9, 1) * 1000 } as const
  assert.deepEqual((await plan(after)).skippedBy, { partition: 9, bounds: 0 })
  assert.deepEqual((await plan(after, { column: 'close', op: '<', value: 10 })).skippedBy, { partition: 9, bounds: 2 })
  assert.equal((await plan({ column: 'symbol', op: 'starts with', value: 'C' })).files.length, 0)
  assert.equal((await plan({ column: 'close', op: 'is null' })).files.length, 0)
})

test('months and years before 1970 are negative', () => {
  assert.equal(periodOf('month', -1), -1)
  assert.equal(periodOf('year', -1), -1)
  assert.equal(periodOf('month', Date.UTC(2024, 1, 29) * 1000), 54 * 12 + 1)
  for (const transform of ['month', 'year'] as const) {
    fc.assert(
      fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (minutes) => {
        const us = minutes * 60_000_000
        const { start, end } = periodRange(transform, periodOf(transform, us))
        return start <= us && us < end
      }),
    )
  }
})

test('transforms give the values in the Iceberg specification', () => {
  assert.equal(murmur3(encodeHashed('int', 34)), 2017239379)
  assert.equal(murmur3(encodeHashed('long', 34)), 2017239379)
  assert.equal(murmur3(encodeHashed('string', 'iceberg')), 1210000089)
  assert.equal(murmur3(encodeHashed('timestamptz', Date.UTC(2017, 10, 16, 22, 31, 8) * 1000)), -2047944441)
  assert.equal(murmur3(encodeHashed('date', 17486)), -653330422)
  assert.equal(murmur3(encodeHashed('decimal(4, 2)', 1420)), -500754589)
  assert.deepEqual(
    [-1, 0, 1, 10, 11, -11].map((value) => applyTransform('truncate[10]', 'int', value)),
    [-10, 0, 0, 10, 10, -20],
  )
  assert.equal(applyTransform('truncate[3]', 'string', 'iceberg'), 'ice')
  assert.deepEqual([applyTransform('day', 'timestamptz', -1), applyTransform('hour', 'timestamptz', -1)], [-1, -1])
  assert.deepEqual([applyTransform('month', 'date', 17486), applyTransform('year', 'date', -1)], [574, -1])
})

test('bounds keep the values of columns, even after their type was widened', () => {
  const cases: [IcebergType, ColumnValue][] = [
    ['int', -5],
    ['long', 2n ** 62n],
    ['decimal(38, 4)', -(10n ** 37n)],
    ['decimal(9, 2)', -129],
    ['date', -1],
    ['float', 0.5],
    ['boolean', true],
    ['string', '币'],
  ]
  for (const [type, value] of cases) assert.equal(decodeValue(type, encodeValue(type, value)), value)
  assert.equal(decodeValue('long', encodeValue('int', -5)), -5)
  assert.equal(decodeValue('double', encodeValue('float', 0.5)), 0.5)
})
