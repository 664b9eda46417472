import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_SHA256, encodeKey, encodeQuery, Signer } from './sigv4.ts'

const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const nowMs = Date.UTC(2013, 4, 24)

test("signatures are those of the examples in Amazon's documentation", () => {
  const signer = new Signer(credentials, 'us-east-1')
  const host = 'examplebucket.s3.amazonaws.com'
  const get = signer.sign(
    { method: 'GET', path: '/test.txt', query: '', host, headers: { range: 'bytes=0-9' }, payloadSha256: EMPTY_SHA256 },
    nowMs,
  )
  assert.match(get, /Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\r\n/)
  const query = encodeQuery({ 'max-keys': '2', prefix: 'J' })
  const list = signer.sign({ method: 'GET', path: '/', query, host, headers: {}, payloadSha256: EMPTY_SHA256 }, nowMs)
  assert.match(list, /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7\r\n/)
  const lifecycle = signer.sign({ method: 'GET', path: '/', query: 'lifecycle=', host, headers: {}, payloadSha256: EMPTY_SHA256 }, nowMs)
  assert.match(lifecycle, /Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543\r\n/)
})

test('keys are encoded byte by byte, their slashes stay', () => {
  assert.equal(encodeKey("a b/+é漢/(1)*!'%?#&//x"), 'a%20b/%2B%C3%A9%E6%BC%A2/%281%29%2A%21%27%25%3F%23%26//x')
})
