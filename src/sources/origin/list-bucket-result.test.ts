import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseListingPage } from './list-bucket-result.ts'

const page = (inner: string, truncated = false) =>
  `<?xml version="1.0"?><ListBucketResult><IsTruncated>${truncated}</IsTruncated>${inner}</ListBucketResult>`
const contents = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified><ETag>&quot;abc-3&quot;</ETag><Size>7</Size></Contents>`

test('keys, sizes, times and bare ETags are read', () => {
  const { objects, nextMarker } = parseListingPage(page(contents('data/A&amp;B')), 'x')
  assert.deepEqual(objects, [{ key: 'data/A&B', size: 7, etag: 'abc-3', lastModifiedMs: Date.UTC(2024, 0, 2, 3, 4, 5) }])
  assert.equal(nextMarker, undefined)
})

test('keys are decoded only if the answer says so; a space may be + or %20', () => {
  assert.equal(parseListingPage(page(contents('a%20b+c')), 'x').objects[0]?.key, 'a%20b+c')
  assert.equal(parseListingPage(page(`<EncodingType>url</EncodingType>${contents('%E5%B8%81%20b+c')}`), 'x').objects[0]?.key, '币 b c')
})

test('the next page begins at NextMarker or, without one, at the last key', () => {
  assert.equal(parseListingPage(page(`<NextMarker>n/</NextMarker>${contents('a')}`, true), 'x').nextMarker, 'n/')
  assert.equal(parseListingPage(page(contents('a') + contents('b'), true), 'x').nextMarker, 'b')
})

test('an incomplete listing is refused', () => {
  const broken = [
    '',
    '<html>busy</html>',
    page(contents('a')).slice(0, -10),
    '<Error><Code>SlowDown</Code></Error>',
    page('', true),
    '<ListBucketResult></ListBucketResult>',
  ]
  for (const xml of broken) assert.throws(() => parseListingPage(xml, 'x'), { code: 'ARCHIVE_LISTING_INVALID' }, xml)
})
