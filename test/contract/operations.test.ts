import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as z from 'zod'
import { cliPage } from '../../scripts/cli-page.ts'
import { allCommands } from '../../src/cli/commands/registry.ts'
import { call, PERMISSIONS } from '../../src/operations/contract.ts'
import { OPERATIONS } from '../../src/operations/registry.ts'
import { outsideOf } from '../support/operations.ts'

const ROOT = join(import.meta.dirname, '../..')

test('docs/cli.md equals the texts of commands and operations', async () => {
  assert.equal(readFileSync(join(ROOT, 'docs/cli.md'), 'utf8'), await cliPage())
})

test('exactly one command calls each operation, and no command calls an unknown one', async () => {
  const called = Object.values(await allCommands()).flatMap(({ operations = [] }) => operations)
  assert.deepEqual(called.toSorted(), Object.keys(OPERATIONS).toSorted())
})

for (const [id, load] of Object.entries(OPERATIONS))
  test(`${id}: it has a file, a summary, JSON schemas and a valid example`, async () => {
    const one = await load()
    assert.equal(one.id, id)
    assert.ok(existsSync(join(ROOT, 'src/operations', `${id.replace('.', '-')}.ts`)))
    assert.match(one.summary, /^[A-Z].{10,}[^.]$/)
    assert.ok(PERMISSIONS.includes(one.permission))
    const input = z.toJSONSchema(one.input, { io: 'input' })
    assert.equal(input.type, 'object')
    assert.equal(input.additionalProperties, false)
    assert.equal(z.toJSONSchema(one.result).type, 'object')
    one.input.parse(one.example)
    await assert.rejects(call(one as never, outsideOf('nowhere'), { unknown: true } as never), { code: 'USAGE' })
  })

test('a refused input names the key and the expected value', async () => {
  const tag = await OPERATIONS['tables.tag']()
  await assert.rejects(call(tag, outsideOf('nowhere'), { table: '', tag: 'x' }), {
    code: 'USAGE',
    message: /^tables\.tag: table: /,
    details: { operation: 'tables.tag', key: 'table' },
  })
})
