import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as z from 'zod'
import { FLOWS, findFlow } from '../../src/flows/registry.ts'

const FOLDER = join(import.meta.dirname, '../../src/flows')

for (const [id, flow] of Object.entries(FLOWS))
  test(`the flow ${id} has a file of its name, and describes its input and steps`, () => {
    assert.equal(flow.id, id)
    assert.ok(existsSync(join(FOLDER, `${id}.ts`)) || existsSync(join(FOLDER, id, `${id}.ts`)))
    for (const name of [id, flow.displayName, ...flow.aliases]) assert.equal(findFlow(name), flow)
    assert.match(flow.meaning, /^[A-Z].{10,}[^.]$/)
    assert.ok(flow.steps.length > 0 && new Set(flow.steps).size === flow.steps.length)
    const schema = z.toJSONSchema(flow.input) as { type: string }
    assert.equal(schema.type, 'object')
    assert.throws(() => flow.input.parse({ unknown: true }), { name: 'ZodError' })
  })

test('an unknown flow is refused, with the flows there are', () => {
  assert.throws(() => findFlow('bulk-injection'), /unknown flow "bulk-injection".*bulk-ingestion/)
})
