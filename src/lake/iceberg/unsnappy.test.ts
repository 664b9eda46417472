import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unsnappy } from './unsnappy.ts'

/** A block of literals alone, as a writer that does not compress would make it. */
function literals(plain: Buffer): Buffer {
  const pieces: Buffer[] = []
  let left = plain.length
  do {
    pieces.push(Buffer.of((left & 0x7f) | (left >= 0x80 ? 0x80 : 0)))
    left >>>= 7
  } while (left > 0)
  for (let at = 0; at < plain.length; at += 60) {
    const piece = plain.subarray(at, at + 60)
    pieces.push(Buffer.of((piece.length - 1) << 2), piece)
  }
  return Buffer.concat(pieces)
}

test('literals and overlapping copies give the plain bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => unsnappy(literals(Buffer.from(bytes))).equals(Buffer.from(bytes))))
  // 20 bytes: the literal "a", then a copy of 19 bytes from one byte before.
  assert.equal(unsnappy(Buffer.from([20, 0, 0x61, (18 << 2) | 2, 1, 0])).toString(), 'a'.repeat(20))
  // 8 bytes: "abcd", then a copy of 4 bytes with a one-byte offset of 4.
  assert.equal(unsnappy(Buffer.from([8, 3 << 2, 0x61, 0x62, 0x63, 0x64, 1, 4])).toString(), 'abcdabcd')
})

test('a damaged block is an error, never wrong bytes', () => {
  const good = literals(Buffer.from('some bytes that are long enough'))
  for (let end = 0; end < good.length; end++) assert.throws(() => unsnappy(good.subarray(0, end)), RangeError)
  for (const bad of [
    [4, 1, 4],
    [8, 0, 0x61, (18 << 2) | 2, 9, 0],
    [0xff, 0xff, 0xff, 0xff, 0x0f, 0],
  ])
    assert.throws(() => unsnappy(Buffer.from(bad)), RangeError)
})
