import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { holdsSecret, masked, printable } from './printable.ts'

test('control characters become visible text, line feeds and tabs stay', () => {
  assert.equal(printable('\x1b[2J\x1b]0;pwn\x07,x\ty\n'), '\\x1b[2J\\x1b]0;pwn\\x07,x\ty\n')
  assert.equal(printable('a\u202eb\u009bc é 漢'), 'a\\u202eb\\x9bc é 漢')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone
      assert.doesNotMatch(printable(text), /[\0-\x08\x0b-\x1f\x7f-\x9f]/)
    }),
  )
})

test('secrets in addresses are masked, the rest stays', () => {
  for (const [address, expected] of [
    ['http://user:PW@host/x', 'http://***@host/x'],
    ['s3://b?endpoint=http://u:PW@127.0.0.1:9000&region=eu', 's3://b?endpoint=http://***@127.0.0.1:9000&region=eu'],
    ['s3://b?secretAccessKey=PW&region=eu', 's3://b?secretAccessKey=***&region=eu'],
    ['https://b/x?X-Amz-Signature=PW&X-Amz-Date=1', 'https://b/x?X-Amz-Signature=***&X-Amz-Date=1'],
    ['https://h/x?token=PW', 'https://h/x?token=***'],
  ] as const) {
    assert.equal(masked(address), expected)
    assert.ok(holdsSecret(address))
  }
  for (const harmless of ['s3://bucket/a@b?region=eu', 'https://host/a@b', 'a user@host', '/home/me/x'])
    assert.equal(masked(harmless), harmless)
})
