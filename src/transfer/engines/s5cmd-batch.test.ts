import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseS3Address } from '../../storage/s3/address.ts'
import { batchLine, parseOutput, quoteWord, splitWords } from './s5cmd-batch.ts'

const regions = { source: parseS3Address('s3://src'), destination: parseS3Address('s3://dst?region=eu-west-1') }
const plain = { storageClass: undefined, encryption: undefined, kmsKeyId: undefined }

test('a batch line keeps every key without line ends unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
      fc.pre(!/[\n\r]/.test(one + other))
      const copy = { source: `s3://src/${one}`, destination: `s3://dst/${other}` }
      const words = splitWords(batchLine(copy, regions, plain))
      assert.deepEqual(words.slice(-2), [copy.source, copy.destination])
      assert.deepEqual(splitWords(`${quoteWord(one)} ${quoteWord(other)}`), [one, other])
    }),
  )
})

test('words are split like in s5cmd; a quote without an end is refused', () => {
  assert.deepEqual(splitWords(`cp "a \\"b\\" \\x" 'c\\d' e\\ f  g''h`), ['cp', 'a "b" \\x', 'c\\d', 'e f', 'gh'])
  for (const line of ["cp 'a", 'cp "a', "a'b'c'"]) assert.throws(() => splitWords(line), { code: 'S5CMD_FAILED' }, line)
  assert.throws(() => batchLine({ source: 's3://src/a\nb', destination: 's3://dst/a' }, regions, plain), { code: 'S5CMD_FAILED' })
})

test('a batch line names encryption, storage class and regions', () => {
  const line = batchLine({ source: 's3://src/a', destination: 's3://dst/a' }, regions, {
    storageClass: 'STANDARD_IA',
    encryption: 'aws:kms',
    kmsKeyId: 'key-1',
  })
  assert.equal(
    line,
    "cp --raw --metadata-directive COPY --source-region us-east-1 --destination-region eu-west-1 --storage-class STANDARD_IA --sse aws:kms --sse-kms-key-id key-1 's3://src/a' 's3://dst/a'",
  )
})

test('copy results are told apart from other output of s5cmd', () => {
  const copy = { source: 's3://src/a b', destination: 's3://dst/a b' }
  const byCommand = new Map([[`cp ${copy.source} ${copy.destination}`, copy]])
  const success = `{"operation":"cp","success":true,"source":"${copy.source}","destination":"${copy.destination}","object":{"type":"file"}}`
  assert.deepEqual(parseOutput(success, byCommand), { ...copy, error: undefined })
  const failure = `{"operation":"cp","command":"cp ${copy.source} ${copy.destination}","error":"NoSuchKey: status code: 404"}`
  assert.deepEqual(parseOutput(failure, byCommand), { ...copy, error: 'NoSuchKey: status code: 404' })
  for (const junk of [
    '',
    'NAME:',
    '{"operation":"cp","success":3,"error":2}',
    '{"operation":"run","command":"run b.txt","error":"x"}',
    '[1',
    'null',
    '7',
  ])
    assert.equal(parseOutput(junk, byCommand), undefined, junk)
})
