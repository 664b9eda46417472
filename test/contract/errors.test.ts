import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ERROR_CODES } from '../../src/core/errors.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

test('docs/errors.md has exactly the codes of the table', () => {
  const rows = [...page.matchAll(/^\| `([A-Z0-9_]+)` \| (yes|no) \| (.+?) \| (.+?) \|$/gm)].map(([, code, retryable, meaning, remedy]) => [
    code,
    { retryable: retryable === 'yes', meaning, remedy },
  ])
  assert.deepEqual(Object.fromEntries(rows), ERROR_CODES)
})

test('every code is used in the source', () => {
  const sources = globSync('{src,simulator}/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts') && !file.endsWith('core/errors.ts'),
  )
  const text = sources.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
  const raised = readFileSync(join(root, 'src/core/errors.ts'), 'utf8').split('export class')[1] ?? ''
  for (const code of Object.keys(ERROR_CODES))
    assert.ok(text.includes(`'${code}'`) || raised.includes(`'${code}'`), `${code} is never raised`)
})
