import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asLakehouseError, type ErrorCode } from './errors.ts'

const EXPECTED: readonly (readonly [system: string, code: ErrorCode])[] = [
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['EACCES', 'ACCESS_DENIED'],
  ['EPERM', 'ACCESS_DENIED'],
  ['EROFS', 'ACCESS_DENIED'],
  ['EFBIG', 'FILE_TOO_LARGE'],
  ['EIO', 'DISK_FAILED'],
  ['ENOMEM', 'MEMORY_EXHAUSTED'],
  ['EMFILE', 'FILES_EXHAUSTED'],
  ['ENFILE', 'FILES_EXHAUSTED'],
  ['EWEIRD', 'INTERNAL'],
]

for (const [system, code] of EXPECTED)
  test(`the system error ${system} becomes ${code}, with its message and cause`, () => {
    const cause = Object.assign(new Error(`${system}: something, open '/a/path'`), { code: system })
    const error = asLakehouseError(cause)
    assert.deepEqual([error.code, error.message, error.cause], [code, cause.message, cause])
  })

test('other errors keep their code, or get the one that the caller names', () => {
  assert.equal(asLakehouseError(new Error('x'), 'ORIGIN_FAILED').code, 'ORIGIN_FAILED')
  assert.equal(asLakehouseError('only text').message, 'only text')
  assert.equal(asLakehouseError(Object.assign(new Error('x'), { name: 'AbortError' })).code, 'INTERRUPTED')
  assert.equal(asLakehouseError(new Error('Cannot read package config: too many open files')).code, 'FILES_EXHAUSTED')
  const known = asLakehouseError(Object.assign(new Error('x'), { code: 'EIO' }))
  assert.equal(asLakehouseError(known), known)
  assert.equal(known.retryable, true)
})
