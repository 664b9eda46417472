import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHECKS } from '../../src/silver/quality/checks/registry.ts'
import { temporaryFolder } from '../support/folders.ts'
import { plantDefects } from '../support/planted.ts'

test('every rule finds every defect of its kind and nothing else, among clean symbols', async (context) => {
  const results = await plantDefects(await temporaryFolder(context), 'test', 3)
  const wrong = results.filter(({ planted, found, falseAlarms }) => found < planted || falseAlarms > 0)
  assert.deepEqual(wrong, [])
  const tested = new Set(results.filter(({ planted }) => planted > 0).map(({ check }) => check))
  // What the exchange publishes as it is, and rows that no file has: decoding rejects negative amounts.
  // Rules about delivery contracts and computed prices have tests of their own.
  const natural = ['zero_volume', 'funding_jitter', 'derived_rows', 'amount_negative', 'after_expiry', 'stale_price']
  for (const { id } of CHECKS) assert.ok(tested.has(id) || natural.includes(id), `nothing is planted for ${id}`)
})
