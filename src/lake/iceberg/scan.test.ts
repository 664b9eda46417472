import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryFolder } from '../../../test/support/folders.ts'
import { localStore } from '../../storage/local.ts'
import { commit } from './commit.ts'
import type { DataFile } from './manifest.ts'
import { type Predicate, planScan } from './scan.ts'
import { fieldsOf, partitionRange, partitionValue, type TableShape } from './schema.ts'
import { loadTable, snapshotOf, urlOf } from './table.ts'

const SHAPE: TableShape = {
  fields: fieldsOf([
    { name: 'symbol', type: 'string', doc: '' },
    { name: 'open_time', type: 'instant', doc: '' },
    { name: 'close', type: 'double', doc: '' },
  ]),
  partition: { source: 'open_time', transform: 'month' },
  sort: ['symbol', 'open_time'],
}

type Row = { symbol: string; open_time: number; close: number }

const row = fc.record({
  symbol: fc.constantFrom('A', 'AB', 'B', 'Z', 'é', '币', '😀'),
  open_time: fc.integer({ min: -50_000, max: 50_000 }).map((hours) => hours * 3_600_000_000),
  close: fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
})
const op = fc.constantFrom('=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const)
const predicate: fc.Arbitrary<Predicate> = fc.oneof(
  row.chain((one) =>
    fc
      .record({ column: fc.constantFrom('symbol', 'open_time', 'close'), op })
      .map(({ column, op }): Predicate => ({ column, op, value: one[column as keyof Row] })),
  ),
  fc
    .array(row, { minLength: 1, maxLength: 3 })
    .chain((some) =>
      fc
        .constantFrom('symbol', 'open_time', 'close')
        .map((column): Predicate => ({ column, op: 'in', values: some.map((one) => one[column as keyof Row]) })),
    ),
)

function holds(one: Row, condition: Predicate): boolean {
  const value = one[condition.column as keyof Row]
  const compare = (other: unknown) =>
    typeof value === 'string' ? Buffer.compare(Buffer.from(value), Buffer.from(String(other))) : value - Number(other)
  if (condition.op === 'in') return condition.values.some((other) => compare(other) === 0)
  const order = compare(condition.value)
  return { '=': order === 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[condition.op]
}

function fileOf(path: string, rows: readonly Row[], partition: number): DataFile {
  const by = <K extends keyof Row>(column: K) =>
    [...rows]
      .sort((a, b) =>
        column === 'symbol' ? Buffer.compare(Buffer.from(a.symbol), Buffer.from(b.symbol)) : Number(a[column]) - Number(b[column]),
      )
      .map((one) => one[column])
  const columns = [by('symbol'), by('open_time'), by('close')] as const
  const bound = (side: (values: readonly (string | number)[]) => string | number | undefined) =>
    new Map(columns.map((values, index) => [index + 1, side(values) ?? 0]))
  return {
    path,
    partition,
    rows: rows.length,
    bytes: 1,
    columnBytes: new Map(),
    nulls: new Map(),
    lower: bound((values) => values[0]),
    upper: bound((values) => values.at(-1)),
  }
}

test('a scan never leaves out a file that holds a row for which the conditions hold', async (context) => {
  const folder = await temporaryFolder(context)
  let round = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
      fc.array(predicate, { maxLength: 3 }),
      async (groups, conditions) => {
        const store = localStore(`${folder}/${round++}`)
        const files = groups.flatMap((rows, group) => {
          const months = Map.groupBy(rows, (one) => partitionValue('month', one.open_time))
          return [...months].map(([month, some]) => ({ some, file: fileOf(urlOf(store, `t/data/${group}-${month}`), some, month) }))
        })
        const deps = { nowMs: () => 0, random: () => 0, onConflict: () => {} }
        await commit(store, 't', SHAPE, deps, async () => ({ operation: 'append', add: files.map(({ file }) => file), remove: new Set() }))
        const table = (await loadTable(store, 't')) ?? assert.fail()
        const plan = await planScan(table, snapshotOf(table, undefined), conditions)
        const planned = new Set(plan.files.map((file) => file.path))
        for (const { some, file } of files)
          if (some.some((one) => conditions.every((condition) => holds(one, condition)))) assert.ok(planned.has(file.path))
        assert.equal(plan.files.length + plan.filesSkipped, files.length)
      },
    ),
    { numRuns: 60 },
  )
})

test('months and years are counted downwards below 1970', () => {
  assert.equal(partitionValue('month', -1), -1)
  assert.equal(partitionValue('year', -1), -1)
  assert.equal(partitionValue('month', Date.UTC(2024, 1, 29) * 1000), 54 * 12 + 1)
  for (const transform of ['month', 'year'] as const) {
    fc.assert(
      fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (minutes) => {
        const us = minutes * 60_000_000
        const { start, end } = partitionRange(transform, partitionValue(transform, us))
        return start <= us && us < end
      }),
    )
  }
})
