import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newMetadata, type Snapshot, type TableMetadata } from './metadata.ts'
import { allowsRemoval, removable, requireRemoval } from './retention.ts'

const DAY = 86_400_000
const NOW = 100 * DAY

/** A table with one snapshot a day, each after the one before; snapshot n is n days old at the end. */
function tableOf(days: number, properties: Record<string, string> = {}, refs: TableMetadata['refs'] = {}): TableMetadata {
  const snapshots = Array.from({ length: days }, (_, index): Snapshot => {
    const age = days - 1 - index
    const parent = index === 0 ? {} : { 'parent-snapshot-id': age + 2 }
    return {
      'snapshot-id': age + 1,
      ...parent,
      'sequence-number': index + 1,
      'timestamp-ms': NOW - age * DAY,
      'manifest-list': `s${age}`,
      summary: { operation: 'append' },
    }
  })
  const main = { 'snapshot-id': 1, type: 'branch' as const }
  const metadata = newMetadata('file:///t', { fields: [], partition: [], sort: [] }, 0)
  return { ...metadata, properties, snapshots, refs: { main, ...refs }, 'current-snapshot-id': 1 }
}

const gone = (metadata: TableMetadata, options: Partial<Parameters<typeof removable>[1]> = {}) => {
  const { refs, snapshots } = removable(metadata, { defaultAgeMs: 5 * DAY, keep: 1, nowMs: NOW, ...options })
  return [refs, snapshots.map((snapshot) => Number(snapshot['snapshot-id']) - 1)]
}

test('snapshots beyond the default age go, oldest first, and the current one stays', () => {
  assert.deepEqual(gone(tableOf(10)), [[], [9, 8, 7, 6]])
  assert.deepEqual(gone(tableOf(10), { defaultAgeMs: -DAY }), [[], [9, 8, 7, 6, 5, 4, 3, 2, 1]])
  assert.deepEqual(gone(tableOf(1), { defaultAgeMs: -DAY }), [[], []])
})

test('the properties of the table decide unless the user says an age; a number of newest snapshots stays', () => {
  const aged = tableOf(10, { 'history.expire.max-snapshot-age-ms': String(7 * DAY) })
  assert.deepEqual(gone(aged), [[], [9, 8]])
  assert.deepEqual(gone(aged, { olderThanMs: 8 * DAY }), [[], [9]])
  assert.deepEqual(gone(tableOf(10, { 'history.expire.min-snapshots-to-keep': '8' })), [[], [9, 8]])
  assert.deepEqual(gone(tableOf(10), { keep: 9 }), [[], [9]])
  assert.deepEqual(gone(tableOf(10, { 'history.expire.max-snapshot-age-ms': 'soon' })), [[], [9, 8, 7, 6]])
})

test('tags and branches keep what they need, until they are too old themselves', () => {
  const tagged = tableOf(10, {}, { kept: { 'snapshot-id': 9, type: 'tag' } })
  assert.deepEqual(gone(tagged), [[], [9, 7, 6]])
  assert.deepEqual(gone(tableOf(10, {}, { kept: { 'snapshot-id': 9, type: 'tag', 'max-ref-age-ms': 3 * DAY } })), [['kept'], [9, 8, 7, 6]])
  const byTable = tableOf(10, { 'history.expire.max-ref-age-ms': String(3 * DAY) }, { kept: { 'snapshot-id': 9, type: 'tag' } })
  assert.deepEqual(gone(byTable), [['kept'], [9, 8, 7, 6]])
  const branch = { 'snapshot-id': 8, type: 'branch' as const, 'min-snapshots-to-keep': 2 }
  assert.deepEqual(gone(tableOf(10, {}, { side: branch })), [[], [9, 6]])
  assert.deepEqual(gone(tableOf(10, {}, { side: { ...branch, 'max-snapshot-age-ms': 9 * DAY } })), [[], [6]])
})

test('a table whose files others may share is left alone', () => {
  const shared = tableOf(2, { 'gc.enabled': 'false' })
  assert.deepEqual([allowsRemoval(shared), allowsRemoval(tableOf(2))], [false, true])
  assert.throws(() => requireRemoval(shared, 'silver/t'), {
    code: 'TABLE_UNSUPPORTED',
    message: /silver\/t: its property gc.enabled is false/,
  })
})
