import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChecksumFile } from './checksum-file.ts'

const DIGEST = 'ab'.repeat(32)

test('the digest is read with and without a line end, and with an upper-case spelling', () => {
  for (const text of [`${DIGEST}  x.zip`, `${DIGEST}  x.zip\n`, `${DIGEST.toUpperCase()} *x.zip\n`])
    assert.equal(parseChecksumFile(Buffer.from(text), 'x.zip'), DIGEST)
})

test('a checksum file for another file, or with another form, is an error', () => {
  for (const text of [`${DIGEST}  y.zip`, DIGEST.slice(1), '', '<html>', `${DIGEST}${DIGEST}  x.zip`]) {
    assert.throws(() => parseChecksumFile(Buffer.from(text), 'x.zip'), { code: 'CHECKSUM_FILE_INVALID' }, text)
  }
})
