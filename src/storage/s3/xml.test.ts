import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bareEtag, parseListPage } from './xml.ts'

const object = (key: string, etag = '&quot;abc&quot;') =>
  `<Contents><Key>${key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>${etag}</ETag><Size>5</Size></Contents>`
const page = (items: string, about = '<IsTruncated>false</IsTruncated>') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>${about}${items}</ListBucketResult>`

test('keys are decoded only when the page says that they are encoded, a space in either spelling', () => {
  const keys = (xml: string) => parseListPage(xml, 'x').objects.map(({ key }) => key)
  assert.deepEqual(keys(page(object('a%20b+c') + object('d&amp;e&#x2F;f'))), ['a%20b+c', 'd&e/f'])
  const url = '<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>'
  assert.deepEqual(keys(page(object('a%20b+c%2Bd'), url)), ['a b c+d'])
})

test('what is told of the page may stand before or after its objects', () => {
  const about = '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'
  for (const xml of [page(object('a'), about), page(object('a') + about, '')]) {
    const { truncated, token } = parseListPage(xml, 'x')
    assert.deepEqual([truncated, token], [true, 't'])
  }
})

test('what is no whole listing is never taken for one', () => {
  const whole = page(object('a') + object('b'))
  for (let end = 1; end < whole.length - 1; end += 7)
    assert.throws(() => parseListPage(whole.slice(0, end), 'x'), { code: 'LISTING_INVALID' })
  for (const bad of ['', '<Error><Code>X</Code></Error>', page('', ''), page(object('')), page(object('a').replace('<Size>5</Size>', ''))])
    assert.throws(() => parseListPage(bad, 'x'), { code: 'LISTING_INVALID' }, bad)
})

test('an ETag is the same however it is quoted', () => {
  for (const text of ['abc', '"abc"', '&quot;abc&quot;', '&#34;abc&#34;']) assert.equal(bareEtag(text), 'abc')
})
