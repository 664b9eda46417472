import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareKeys, type ObjectInfo } from '../../storage/object-store.ts'
import { compareObjects } from './compare.ts'
import { type DiffBatch, diffPages, diffUnordered } from './diff.ts'

const HEX = (n: number) => String(n).padStart(32, '0')
const info = (key: string, version: number): ObjectInfo => ({ key, size: 10, etag: HEX(version), lastModifiedMs: 0 })

async function* inPages(objects: readonly ObjectInfo[], size: number) {
  for (let at = 0; at < objects.length; at += size) yield objects.slice(at, at + size)
}

async function collect(batches: AsyncIterable<DiffBatch>) {
  const found = { transfer: [] as string[], unchanged: [] as string[], extra: [] as string[] }
  for await (const batch of batches)
    for (const name of ['transfer', 'unchanged', 'extra'] as const) found[name].push(...batch[name].map(({ key }) => key))
  return found
}

const options = { known: new Map(), includes: () => true, incremental: true }

test('a merge finds new, changed, equal and extra objects at any page borders', async () => {
  const listing = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-c币😀\uffee]{1,3}$/u), fc.nat(1)), {
    selector: ([key]) => key,
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(listing, listing, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), async (left, right, one, other) => {
      const [source, destination] = [left, right].map((side) =>
        side.map(([key, version]) => info(key, version)).sort((a, b) => compareKeys(a.key, b.key)),
      )
      const there = new Map(right)
      const expected = {
        transfer: (source ?? []).filter(({ key, etag }) => etag !== HEX(there.get(key) ?? 9)).map(({ key }) => key),
        unchanged: (source ?? []).filter(({ key, etag }) => etag === HEX(there.get(key) ?? 9)).map(({ key }) => key),
        extra: (destination ?? []).filter(({ key }) => !left.some(([name]) => name === key)).map(({ key }) => key),
      }
      assert.deepEqual(await collect(diffPages(inPages(source ?? [], one), inPages(destination ?? [], other), options)), expected)
      assert.deepEqual(await collect(diffUnordered(inPages(source ?? [], one), inPages(destination ?? [], other), options)), expected)
    }),
  )
})

test('the truth table: size, equal ETags, a copy that is known, digests, time', () => {
  const source = { key: 'k', size: 10, etag: HEX(1), lastModifiedMs: 5000 }
  const parts = { ...source, etag: `${HEX(7)}-3` }
  const cases: [ObjectInfo, Partial<ObjectInfo>, { source: string; destination: string } | undefined, string][] = [
    [source, { size: 11 }, undefined, 'size'],
    [source, {}, undefined, 'unchanged'],
    [source, { etag: HEX(2) }, undefined, 'etag'],
    [source, { etag: HEX(2) }, { source: HEX(1), destination: HEX(2) }, 'unchanged'],
    [source, { etag: HEX(3) }, { source: HEX(1), destination: HEX(2) }, 'etag'],
    [parts, { etag: HEX(2), lastModifiedMs: 6000 }, undefined, 'unchanged'],
    [parts, { etag: HEX(2), lastModifiedMs: 4000 }, undefined, 'time'],
    [parts, { etag: HEX(2), lastModifiedMs: 4000 }, { source: parts.etag, destination: HEX(2) }, 'unchanged'],
    [parts, { etag: HEX(2), lastModifiedMs: 6000 }, { source: 'older', destination: HEX(2) }, 'etag'],
    [parts, { etag: HEX(2), lastModifiedMs: 6000 }, { source: 'older', destination: HEX(3) }, 'unchanged'],
  ]
  for (const [one, change, known, verdict] of cases) assert.equal(compareObjects(one, { ...one, ...change }, known), verdict)
})
