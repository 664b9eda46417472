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

test('docs/cli.md tells every command and operation as they are', async () => {
  assert.equal(readFileSync(join(ROOT, 'docs/cli.md'), 'utf8'), await cliPage())
})

test('every operation is called by exactly one command, and no command calls what is none', async () => {
  const called = Object.values(await allCommands()).flatMap(({ operations = [] }) => operations)
  assert.deepEqual(called.toSorted(), Object.keys(OPERATIONS).toSorted())
})

for (const [id, load] of Object.entries(OPERATIONS))
  test(`${id}: a file of its name, a line that says what it does, schemas that JSON Schema can express, an example that its input takes`, async () => {
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

test('an input that is refused says which key, and what is expected of it', async () => {
  const tag = await OPERATIONS['tables.tag']()
  await assert.rejects(call(tag, outsideOf('nowhere'), { table: '', tag: 'x' }), {
    code: 'USAGE',
    message: /^tables\.tag: table: /,
    details: { operation: 'tables.tag', key: 'table' },
  })
})
