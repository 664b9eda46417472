import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { deflateRawSync, gzipSync } from 'node:zlib'
import type { Fault } from '../../../src/simulator/faults.ts'
import { headObject, putObject } from '../../../src/storage/s3/operations.ts'
import { temporaryName, thisWriter } from '../../../src/storage/temporary.ts'
import { KEYS, situation } from '../../support/faulty.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { type S3Server, startVersity } from '../../support/s3-server.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { contentOf, runSync, stateFor } from '../../support/transfers.ts'

let server: S3Server
let other: S3Server
before(async () => {
  server = await startVersity()
  other = await startVersity()
})
after(async () => {
  await server.close()
  await other.close()
})

const FEW = KEYS.slice(0, 12)
const checksum = (bytes: Uint8Array, name: string) => Buffer.from(`${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`)

for (const engine of ['relay', 'traditional'] as const) {
  const faults: [string, Fault, RegExp][] = [
    ['a source that is reset', { kind: 'reset' }, /^Get/],
    ['a body that is too short', { kind: 'short' }, /^Get/],
    ['a body that is too long', { kind: 'long' }, /^Get/],
    ['a length that lies', { kind: 'cut' }, /^Get/],
    ['a destination that stalls', { kind: 'stall' }, /^Put/],
    ['a destination that closes at once', { kind: 'reset' }, /^Put/],
    ['an answer that is lost after the object was written', { kind: 'lost' }, /^Put/],
  ]
  for (const [name, fault, match] of faults) {
    test(`RELAY by ${engine}, ${name}: the object arrives unchanged`, async (context) => {
      const here = await situation(context, server, { keys: FEW, faults: [{ fault, match, times: 1 }], destinationServer: other })
      const { errors, engines } = await here.sync({ engine, settings: { idleTimeoutMs: 400 } })
      assert.deepEqual([errors, engines], [[], { [engine]: FEW.length }])
      await here.assertSame()
    })
  }

  test(`RELAY by ${engine}, bytes damaged in transit: the copy is made again`, async (context) => {
    const faults = [{ fault: { kind: 'wrong-bytes' } as const, match: /^Get.*zip$/, times: 1 }]
    const here = await situation(context, server, { keys: FEW, faults, destinationServer: other })
    assert.deepEqual((await here.sync({ engine })).errors, [])
    await here.assertSame()
  })

  test(`RELAY by ${engine}, an object with Content-Encoding: it stays compressed`, async (context) => {
    const here = await situation(context, server, { keys: [], destinationServer: other })
    const headers = { 'content-encoding': 'gzip', 'cache-control': 'max-age=60', 'content-type': 'text/csv', 'x-amz-meta-a': 'b' }
    await here.at('source', ({ s3 }) => putObject(s3 ?? assert.fail(), 'x.csv', gzipSync('a,b\n1,2\n'), { headers }))
    await here.sync({ engine })
    await here.assertSame()
    await here.at('destination', async ({ s3 }) => {
      const head = await headObject(s3 ?? assert.fail(), 'x.csv')
      assert.deepEqual({ ...head?.carried }, headers)
    })
  })
}

test('RELAY, range requests carry the ETag: no part comes from another version', async (context) => {
  const seen: string[] = []
  const bytes = Buffer.alloc(300_000, 5)
  const source = createServer((request, response) => {
    if (request.url?.includes('list-type') === true)
      return void response.end(
        `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><LastModified>2024-01-01T00:00:00Z</LastModified><ETag>"e"</ETag><Size>${bytes.length}</Size></Contents></ListBucketResult>`,
      )
    seen.push(`${request.headers['if-match']} ${request.headers.range ?? ''}`)
    const start = Number(/bytes=(\d+)/.exec(String(request.headers.range))?.[1] ?? 0)
    response.writeHead(start === 0 ? 200 : 206, { etag: '"e"', 'content-length': String(bytes.length - start) })
    if (seen.length === 1) response.write(bytes.subarray(0, 100_000), () => response.socket?.destroy())
    else response.end(bytes.subarray(start))
  })
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve))
  context.after(() => source.close())
  const destination = await other.bucket('ranges')
  const endpoint = `http://127.0.0.1:${(source.address() as AddressInfo).port}`
  assert.deepEqual((await runSync(`s3://bucket?endpoint=${endpoint}`, destination, { state: await stateFor(context) })).errors, [])
  assert.match(seen[1] ?? '', /^"e" bytes=\d+-/)
  assert.equal((await contentOf(destination))['k'], createHash('sha256').update(bytes).digest('hex'))
})

test('RELAY, a wrong digest: only that object fails, and no wrong copy stays', async (context) => {
  for (const engine of ['server-copy', 'relay', 'traditional'] as const) {
    const here = await situation(context, server, { keys: ['good.zip', 'bad.zip'] })
    await here.at('source', ({ store }) => store.put('bad.zip.CHECKSUM', checksum(Buffer.from('other'), 'bad.zip')))
    for (const _ of ['once', 'and again']) {
      const { errors, counts } = await here.sync({ engine, settings: { verify: 'sha256' } })
      assert.deepEqual([errors.map(({ code }) => code), counts.objectsFailed], [['CHECKSUM_MISMATCH'], 1], engine)
    }
    assert.deepEqual(Object.keys(await contentOf(here.real.destination)), ['bad.zip.CHECKSUM', 'good.zip'], engine)
  }
})

test('DOWNLOAD, an object with a wrong digest is fetched once more', async (context) => {
  const here = await situation(context, server, { keys: [], faults: [{ fault: { kind: 'wrong-bytes' }, match: /^Get.*zip$/, times: 1 }] })
  const bytes = Buffer.alloc(5000, 7)
  await here.at('source', async ({ store }) => {
    await store.put('a.zip', bytes)
    await store.put('a.zip.CHECKSUM', checksum(bytes, 'a.zip'))
  })
  assert.deepEqual((await here.sync({ engine: 'traditional', settings: { verify: 'sha256' } })).errors, [])
  await here.assertSame()
})

test('DOWNLOAD, a full disk: another engine copies, and no file stays on the disk', async (context) => {
  const downloads = await smallDisk(context, 64 << 10)
  if (downloads === undefined) return
  const here = await situation(context, server, { keys: FEW.slice(0, 3), destinationServer: other })
  await here.at('source', ({ store }) => store.put('large', Buffer.alloc(1 << 20)))
  const { errors, engines } = await here.sync({ engine: 'traditional', settings: { downloads } })
  // A small one that comes while the large one fills the disk goes another way as well.
  assert.deepEqual([errors, (engines.relay ?? 0) >= 1, (engines.relay ?? 0) + (engines.traditional ?? 0)], [[], true, 4])
  await here.assertSame()
  assert.deepEqual(await readdir(downloads), [])
  const strict = await situation(context, server, { keys: [], destinationServer: other })
  await strict.at('source', ({ store }) => store.put('large', Buffer.alloc(1 << 20)))
  const failed = await strict.sync({ mode: 'traditional', settings: { downloads } })
  assert.deepEqual(
    failed.errors.map(({ code }) => code),
    ['DISK_FULL'],
  )
})

test('DOWNLOAD, an object larger than the disk limit uses another engine', async (context) => {
  const here = await situation(context, server, { keys: FEW.slice(0, 3) })
  await here.at('source', ({ store }) => store.put('large', Buffer.alloc(3 << 20)))
  const { errors, engines } = await here.sync({ engine: 'traditional', settings: { diskLimitMb: 2 } })
  assert.deepEqual([errors, engines], [[], { traditional: 3, 'server-copy': 1 }])
})

test('DOWNLOAD, files of killed runs are removed; files of a running one stay', async (context) => {
  const downloads = await temporaryFolder(context)
  const here = await situation(context, server, { keys: FEW.slice(0, 3) })
  const [dead, own] = [`.tmp-${thisWriter().place}-4194300-1-left`, temporaryName()]
  for (const name of [dead, own, 'of-the-user']) await writeFile(join(downloads, name), 'half')
  await here.sync({ engine: 'traditional', settings: { downloads } })
  assert.deepEqual((await readdir(downloads)).toSorted(), [own, 'of-the-user'].toSorted())
  await here.assertSame()
})

test('DOWNLOAD, two runs share a download folder without conflict', async (context) => {
  const downloads = await temporaryFolder(context)
  const pair = [await situation(context, server), await situation(context, server)]
  const results = await Promise.all(pair.map((here) => here.sync({ engine: 'traditional', settings: { downloads } })))
  assert.deepEqual(
    results.map(({ errors }) => errors),
    [[], []],
  )
  for (const here of pair) await here.assertSame()
  assert.deepEqual(await readdir(downloads), [])
})

test('DOWNLOAD, a key with ..: it does not become a path', async (context) => {
  const keys = ['../climbs', 'a/../../climbs', '/absolute', 'a//b']
  const listed = keys
    .toSorted()
    .map((key) => `<Contents><Key>${key}</Key><LastModified>2024-01-01T00:00:00Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>`)
  const source = createServer((request, response) => {
    if (request.url?.includes('list-type') === true)
      response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${listed.join('')}</ListBucketResult>`)
    else response.writeHead(200, { etag: '"e"', 'content-length': '1' }).end('x')
  })
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve))
  context.after(() => source.close())
  const folder = await temporaryFolder(context)
  const [downloads, target] = [join(folder, 'downloads'), join(folder, 'deep', 'target')]
  const endpoint = `http://127.0.0.1:${(source.address() as AddressInfo).port}`
  const result = await runSync(`s3://bucket?endpoint=${endpoint}`, target, {
    state: await stateFor(context),
    engine: 'traditional',
    settings: { downloads },
  })
  assert.equal(result.counts.objectsFailed, keys.length)
  assert.deepEqual(
    result.errors.map(({ code }) => code),
    ['OBJECT_KEY_INVALID'],
  )
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  assert.deepEqual(files, [])
})

test('DOWNLOAD, a damaged zip of equal size: only the published digest shows it', async (context) => {
  const good = deflateRawSync(Buffer.alloc(10_000, 1))
  const damaged = Buffer.from(good)
  damaged[10] = (damaged[10] ?? 0) ^ 1
  const here = await situation(context, server, { keys: [] })
  await here.at('source', async ({ store }) => {
    await store.put('a.zip', damaged)
    await store.put('a.zip.CHECKSUM', checksum(good, 'a.zip'))
  })
  const { errors } = await here.sync({ engine: 'traditional', settings: { verify: 'sha256' } })
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['CHECKSUM_MISMATCH'],
  )
})

test('ARCHIVE, a .CHECKSUM that is missing, late or replaced does not stop the run', async (context) => {
  const here = await situation(context, server, { keys: [] })
  const [first, second] = [Buffer.from('as first published'), Buffer.from('as published again')]
  const verify = { settings: { verify: 'sha256' } } as const
  await here.at('source', ({ store }) => store.put('a.zip', first))
  assert.deepEqual((await here.sync(verify)).errors, [], 'without one, the ETag proves the copy')
  await here.at('source', ({ store }) => store.put('a.zip.CHECKSUM', checksum(first, 'a.zip')))
  assert.equal((await here.sync(verify)).counts.objectsCopied, 1, 'the late one')
  await here.at('source', async ({ store }) => {
    await store.put('a.zip', second)
    await store.put('a.zip.CHECKSUM', checksum(second, 'a.zip'))
  })
  const again = await here.sync(verify)
  assert.deepEqual([again.errors, again.counts.objectsCopied], [[], 2])
  await here.assertSame()
})

test('ARCHIVE, a file replaced at equal size, and a removed symbol, are handled', async (context) => {
  const here = await situation(context, server, { keys: FEW })
  await here.sync()
  await here.at('source', async ({ store }) => {
    const bytes = Buffer.from(await store.get(FEW[0] ?? ''))
    bytes[0] = (bytes[0] ?? 0) ^ 1
    await store.put(FEW[0] ?? '', bytes)
    await store.delete(FEW[1] ?? '')
  })
  const copied = await here.sync()
  assert.deepEqual(
    [copied.counts.objectsCopied, copied.counts.objectsDeleted, copied.counts.objectsExtra],
    [1, 0, 1],
    'an object removed from the source stays at the destination',
  )
  await here.sync({ syncMode: 'sync' })
  await here.assertSame()
})

test('ARCHIVE, monthly and daily files are both copied', async (context) => {
  const keys = [
    'data/spot/daily/klines/A/1m/A-1m-2024-01-01.zip',
    'data/spot/daily/klines/A/1m/A-1m-2024-01-02.zip',
    'data/spot/monthly/klines/A/1m/A-1m-2024-01.zip',
  ]
  const here = await situation(context, server, { keys })
  assert.equal((await here.sync()).counts.objectsCopied, 3)
  await here.assertSame()
})

test('JOURNAL, truncated at any byte: the next run reads the whole lines', async (context) => {
  const state = await stateFor(context)
  const here = await situation(context, server, { keys: [] })
  await here.at('source', ({ store }) => store.put('large', Buffer.alloc(9 << 20, 3)))
  // Made in parts, copies have ETags that no listing explains: the journal does.
  await runSync(here.source, here.destination, { state })
  const [folder = ''] = (await readdir(state)).filter((name) => /^[0-9a-f]{16}$/.test(name))
  const file = join(state, folder, 'known.ndjson')
  const whole = await readFile(file)
  for (let length = 0; length <= whole.length; length += 17) {
    await writeFile(file, whole.subarray(0, length))
    const { errors } = await runSync(here.source, here.destination, { state })
    assert.deepEqual(errors, [])
    await here.assertSame()
  }
})
