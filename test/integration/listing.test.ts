import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { proxyS3 } from '../../src/simulator/s3-proxy.ts'
import { listPages } from '../../src/transfer/plan/list-pages.ts'
import { startMock } from '../support/s3-mock.ts'
import { openS3, type S3Server, startVersity } from '../support/s3-server.ts'
import { fill } from '../support/transfers.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

test('a listing split into ranges holds every key once and in order', async () => {
  const keys = Array.from({ length: 4200 }, (_, n) => `data/${'abcdefg'[n % 7]}/s${n % 90}/object-${n}`)
  const place = openS3(await server.bucket('listed'))
  await fill(place, [...keys, 'data.x', 'data-y', 'zz'])
  const listed: string[] = []
  for await (const page of listPages(place, { parallel: 4, prefixes: [''] })) listed.push(...page.map(({ key }) => key))
  const expected: string[] = []
  for await (const { key } of place.store.list('')) expected.push(key)
  assert.deepEqual(listed, expected)
  assert.equal(listed.length, 4203)
  const some: string[] = []
  for await (const page of listPages(place, { parallel: 4, prefixes: ['data/c/', 'data/a/'] })) some.push(...page.map(({ key }) => key))
  assert.deepEqual(
    some,
    expected.filter((key) => /^data\/[ac]\//.test(key)),
  )
  place.close()
})

test('keys without folders are also listed by several requests in parallel', async () => {
  const mock = await startMock('--objects', '60000', '--flat')
  let [underWay, most] = [0, 0]
  const onRequest = async (operation: string) => {
    if (operation !== 'ListObjects') return
    most = Math.max(most, ++underWay)
    await delay(15)
    underWay--
  }
  const proxy = await proxyS3({ endpoint: mock.endpoint, faults: [], onRequest })
  const place = openS3(`s3://source?endpoint=${proxy.endpoint}`)
  const listed: string[] = []
  for await (const page of listPages(place, { parallel: 4, prefixes: [''] })) listed.push(...page.map(({ key }) => key))
  assert.deepEqual(
    listed,
    Array.from({ length: 60_000 }, (_, n) => `object-${String(n).padStart(8, '0')}.zip`),
  )
  assert.ok(most >= 4, `${most} at once`)
  assert.ok((proxy.requests.get('ListObjects') ?? 0) < 100, `${proxy.requests.get('ListObjects')} requests`)
  place.close()
  await proxy.close()
  mock.close()
})
