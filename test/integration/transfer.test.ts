import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PEERS } from '../../scripts/peers.ts'
import { proxyS3 } from '../../src/simulator/s3-proxy.ts'
import { EnhancedBulkDownloader } from '../../src/specification/enhanced-bulk-downloader.ts'
import type { Transfer } from '../../src/specification/file-tasks.ts'
import { S3DirectSyncDownloader } from '../../src/specification/s3-direct-sync-downloader.ts'
import { TraditionalBulkDownloader } from '../../src/specification/traditional-bulk-downloader.ts'
import { headObject, putObject } from '../../src/storage/s3/operations.ts'
import { temporaryName, thisWriter } from '../../src/storage/temporary.ts'
import { DEFAULT_REQUEST } from '../../src/transfer/sync.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openS3, type S3Server, startSeaweed, startVersity } from '../support/s3-server.ts'
import { contentOf, fill, runSync, stateFor, transfersWith } from '../support/transfers.ts'

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

const KEYS = Array.from({ length: 60 }, (_, n) => `data/${n % 4}/object-${String(n).padStart(3, '0')}.zip`)
let buckets = 0

async function filled(keys: readonly string[] = KEYS, on = server): Promise<string> {
  const address = await on.bucket(`filled-${buckets++}`)
  const place = openS3(address)
  await fill(place, keys)
  place.close()
  return address
}

const empty = (on = server) => on.bucket(`empty-${buckets++}`)

async function change(address: string, work: (place: ReturnType<typeof openS3>) => Promise<unknown>): Promise<void> {
  const place = openS3(address)
  await work(place)
  place.close()
}

test('bytes go through memory between services, and between bucket and directory', async (context) => {
  const source = await filled()
  const state = await stateFor(context)
  const far = await empty(other)
  const relayed = await runSync(source, far, { state })
  assert.deepEqual([relayed.engines, relayed.counts.bytesOnDisk], [{ relay: KEYS.length }, 0])
  assert.deepEqual(await contentOf(far), await contentOf(source))
  const directory = join(await temporaryFolder(context), 'mirror')
  assert.deepEqual((await runSync(source, directory, { state })).counts.objectsCopied, KEYS.length)
  assert.deepEqual(await contentOf(directory), await contentOf(source))
  assert.equal((await runSync(source, directory, { state })).counts.objectsPlanned, 0)
  const back = await empty()
  assert.equal((await runSync(directory, back, { state })).counts.objectsCopied, KEYS.length)
  assert.deepEqual(await contentOf(back), await contentOf(source))
  assert.equal((await runSync(directory, back, { state })).counts.objectsPlanned, 0)
})

test('only changed objects are copied again; sync deletes extra ones up to the limit', async (context) => {
  const [source, destination, state] = [await filled(), await empty(), await stateFor(context)]
  await runSync(source, destination, { state })
  await change(source, async ({ store }) => {
    await store.put(KEYS[5] ?? '', Buffer.from('other content'))
    for (const key of KEYS.slice(10, 20)) await store.delete(key)
  })
  const copied = await runSync(source, destination, { state })
  assert.deepEqual(
    [copied.counts.objectsCopied, copied.counts.objectsSkipped, copied.counts.objectsExtra, copied.counts.objectsDeleted],
    [1, 49, 10, 0],
  )
  const refused = await runSync(source, destination, { state, syncMode: 'sync', maxDelete: 9 })
  assert.deepEqual([refused.errors.map(({ code }) => code), refused.counts.objectsDeleted], [['DELETE_REFUSED'], 0])
  assert.equal(Object.keys(await contentOf(destination)).length, 60)
  const synced = await runSync(source, destination, { state, syncMode: 'sync', maxDelete: 10 })
  assert.deepEqual([synced.errors, synced.counts.objectsDeleted], [[], 10])
  assert.deepEqual(await contentOf(destination), await contentOf(source))
})

test('a missing or empty source deletes nothing', async (context) => {
  const state = await stateFor(context)
  const folder = await temporaryFolder(context)
  const destination = await filled(KEYS.slice(0, 5))
  const missing = join(folder, 'not-mounted')
  for (const syncMode of ['sync', 'copy'] as const)
    await assert.rejects(runSync(missing, destination, { state, syncMode }), { code: 'SOURCE_NOT_FOUND', message: /mounted/ })
  await writeFile(join(folder, 'file'), '')
  await symlink(missing, join(folder, 'dangling'))
  for (const odd of ['file', 'dangling'])
    await assert.rejects(runSync(join(folder, odd), destination, { state, syncMode: 'sync' }), { code: 'SOURCE_NOT_FOUND' })
  await mkdir(join(folder, 'hollow'))
  for (const source of [await empty(), join(folder, 'hollow')]) {
    const refused = await runSync(source, destination, { state, syncMode: 'sync' })
    assert.deepEqual([refused.errors.map(({ code }) => code), refused.counts.objectsDeleted], [['DELETE_REFUSED'], 0])
  }
  // Nor does one that has nothing of the selection.
  const other = await filled(['elsewhere/a.zip'])
  const chosen = { state, syncMode: 'sync' as const, includes: (key: string) => key.startsWith('data/') }
  assert.deepEqual(
    (await runSync(other, destination, chosen)).errors.map(({ code }) => code),
    ['DELETE_REFUSED'],
  )
  assert.equal(Object.keys(await contentOf(destination)).length, 5)
  // Without extra objects there is nothing to refuse.
  assert.deepEqual((await runSync(await empty(), await empty(), { state, syncMode: 'sync' })).errors, [])
})

test('the journal knows a copy whose ETag differs from its source', async (context) => {
  const [source, destination, state] = [await empty(), await empty(other), await stateFor(context)]
  // Uploaded in parts of another size than ours: equal bytes, other ETags.
  await change(source, async ({ store }) => {
    const piece = Buffer.alloc(1 << 20, 5)
    await store.put(
      'in-parts',
      (async function* () {
        for (let n = 0; n < 18; n++) yield piece
      })(),
    )
  })
  assert.equal((await runSync(source, destination, { state })).counts.objectsCopied, 1)
  const again = await runSync(source, destination, { state })
  assert.deepEqual([again.counts.objectsPlanned, again.counts.objectsSkipped], [0, 1])
})

test('a saved plan runs later and skips objects that changed at the destination', async (context) => {
  const [source, destination, state] = [await filled(), await empty(), await stateFor(context)]
  const file = join(await temporaryFolder(context), 'plan.ndjson')
  // Nothing may be moved any more: the plan is written all the same.
  await runSync(source, destination, { state, planOut: file, includes: (key) => key < 'data/2' })
  await change(destination, async ({ store }) => {
    await store.delete(KEYS[0] ?? '')
  })
  const planned = (await readFile(file, 'utf8')).trimEnd().split('\n')
  assert.equal(planned.length, 31)
  const executed = await runSync(source, destination, { state, planIn: file })
  assert.deepEqual([executed.counts.objectsCopied, executed.counts.objectsSkipped], [1, 29])
  await assert.rejects(runSync(source, await empty(), { state, planIn: file }), { code: 'PLAN_INVALID' })
  await writeFile(file, 'nonsense\n')
  await assert.rejects(runSync(source, destination, { state, planIn: file }), { code: 'PLAN_INVALID' })
})

test('encryption and storage class are sent as the headers of the store', async (context) => {
  const [source, destination, state] = [await filled(KEYS.slice(0, 3)), await empty(), await stateFor(context)]
  const weed = await startSeaweed()
  context.after(() => weed.close())
  const far = await empty(weed)
  await runSync(source, far, { state, settings: { encryption: 'AES256', storageClass: 'STANDARD_IA' } })
  await change(far, async ({ s3 }) => {
    const answer = await s3?.call({ operation: 'HeadObject', method: 'HEAD', key: KEYS[0] ?? '' })
    assert.equal(answer?.headers.get('x-amz-server-side-encryption'), 'AES256')
    assert.equal(answer?.headers.get('x-amz-storage-class'), 'STANDARD_IA')
  })
  // And where a store lists in another order than that of bytes, nothing is lost, doubled or deleted for it.
  const odd = ['a/b', 'a/c', 'a-b/1', 'a.b', 'ab', 'z/1']
  await change(far, ({ store }) => Promise.all(KEYS.slice(0, 3).map((key) => store.delete(key))))
  const ordered = await filled(odd)
  const notices: string[] = []
  await runSync(ordered, far, { state, notices })
  const second = await runSync(ordered, far, { state, syncMode: 'sync', notices })
  assert.deepEqual([second.counts.objectsPlanned, second.counts.objectsSkipped, second.counts.objectsDeleted], [0, odd.length, 0])
  assert.ok(notices.some((text) => /order of bytes/.test(text)))
  const back = await runSync(far, destination, { state, notices })
  assert.deepEqual([back.errors, back.counts.objectsCopied], [[], odd.length])
  assert.deepEqual(await contentOf(destination), await contentOf(ordered))
})

test('an object that another writer wrote at the same time does not count as ours', async (context) => {
  const [source, destination, state] = [await filled(KEYS.slice(0, 2)), await empty(), await stateFor(context)]
  await runSync(source, destination, { state })
  await change(destination, async ({ s3 }) => {
    await putObject(s3 ?? assert.fail(), KEYS[0] ?? '', Buffer.from('of somebody else'))
  })
  const { counts } = await runSync(source, destination, { state })
  assert.deepEqual([counts.objectsCopied, counts.objectsSkipped], [1, 1])
  await change(destination, async ({ s3 }) => {
    assert.equal((await headObject(s3 ?? assert.fail(), KEYS[0] ?? ''))?.size, 300)
  })
})

test('the downloaders of the specification fetch single files and count them', async (context) => {
  const [source, destination] = [await filled(), await empty()]
  const transfers = transfersWith({ state: await stateFor(context), settings: { destination, s5cmdPath: PEERS.s5cmd } })
  const directory = await temporaryFolder(context)
  const around = { nowMs: Date.now, random: Math.random, signal: new AbortController().signal }
  const downloader = EnhancedBulkDownloader.open(transfers.config, around, { directory, onNotice: () => {} })
  const task = (key: string) => ({ sourceUrl: source.replace('?', `/${key}?`) })
  const tasks = KEYS.slice(0, 10).map(task)
  assert.equal(downloader.determineOperationMode(tasks).mode, 'direct_sync')
  assert.equal(downloader.determineOperationMode(tasks, { preferDirectSync: false }).mode, 'traditional')
  assert.equal(downloader.determineOperationMode([...tasks, { sourceUrl: 'https://elsewhere/file' }]).mode, 'traditional')
  const many = Array.from({ length: 10_000 }, (_, n) => task(`many/${n}`))
  const started = performance.now()
  downloader.determineOperationMode(many)
  assert.ok(performance.now() - started < 1000)
  const results = await downloader.downloadFilesBatch(tasks)
  assert.deepEqual(
    results.map(({ sourceUrl, targetKey, success, status }) => [sourceUrl, targetKey, success, status]),
    tasks.map(({ sourceUrl }, n) => [sourceUrl, KEYS[n], true, 'copied']),
  )
  assert.deepEqual(
    (await downloader.downloadFilesBatch(tasks)).map(({ status }) => status),
    tasks.map(() => 'unchanged'),
  )
  await downloader.downloadFilesBatch(KEYS.slice(10, 12).map(task), { preferDirectSync: false })
  assert.deepEqual(downloader.getStats(), {
    files_synced: 12,
    files_skipped: 10,
    files_failed: 0,
    bytes_transferred: 3600,
    operations_reduced: 20,
    efficiency_improvement: '45.5%',
    success_rate: '100.0%',
    network_transfer_reduction: '83.3%',
    direct_sync_used: 2,
    traditional_used: 1,
  })

  const transfer: Transfer = (addresses, request, onObject) =>
    transfers.sync(
      { ...DEFAULT_REQUEST, ...request },
      {
        ...addresses,
        bytesPerSecond: undefined,
        requestsPerSecond: undefined,
        drain: new AbortController().signal,
        onProgress: () => {},
        onNotice: () => {},
        onObject,
      },
    )
  const direct = new S3DirectSyncDownloader({ destination, transfer })
  const batch = join(directory, 'batch.txt')
  assert.equal(await direct.generateS5cmdBatchFile(KEYS.slice(20, 25).map(task), batch), 5)
  assert.equal((await readFile(batch, 'utf8')).trimEnd().split('\n').length, 5)
  assert.equal((await direct.executeS5cmdBatch(KEYS.slice(20, 25).map(task))).filter(({ success }) => success).length, 5)
  const [missing] = await direct.syncFilesDirect([task('not/there')])
  assert.deepEqual([missing?.success, missing?.status, missing?.targetKey], [false, 'missing', 'not/there'])
  assert.equal((await direct.syncDirectoryDirect(source)).counts.objectsCopied, KEYS.length - 17)
  assert.equal(direct.getEfficiencyStats().network_transfer_reduction, '100.0%')
  assert.deepEqual(await contentOf(destination), await contentOf(source))

  const traditional = new TraditionalBulkDownloader({ destination: await empty(), directory, transfer })
  assert.equal((await traditional.processFile(task(KEYS[0] ?? '')))?.status, 'copied')
  assert.equal(traditional.getDownloadStats().files_synced, 1)
  await writeFile(join(directory, 'uploaded.txt'), 'x')
  assert.equal((await traditional.uploadToS3(directory)).counts.objectsCopied, 2)
  const [dead, own] = [`.tmp-${thisWriter().place}-4194300-1-left`, temporaryName()]
  for (const name of [dead, own]) await writeFile(join(directory, name), 'x')
  assert.equal(await traditional.cleanupLocalFiles(), 1)
  assert.deepEqual((await readdir(directory)).toSorted(), [own, 'batch.txt', 'uploaded.txt'])
})

test('a test finds what a store supports and leaves no objects behind', async (context) => {
  const weed = await startSeaweed()
  context.after(() => weed.close())
  const found = async (address: string) => {
    const transfers = transfersWith({ state: await stateFor(context) })
    const capabilities = await transfers.probe(address)
    assert.deepEqual(await contentOf(address), {})
    return Object.fromEntries(capabilities.map(({ name, supported }) => [name, supported]))
  }
  const versity = await found(await empty())
  assert.deepEqual(versity, {
    exclusive_put: true,
    server_copy: true,
    pinned_copy: true,
    exclusive_copy: false,
    copy_sha256: true,
    byte_order: true,
  })
  const other = await found(await empty(weed))
  assert.deepEqual([other['exclusive_put'], other['exclusive_copy'], other['copy_sha256'], other['byte_order']], [true, true, false, false])
})

test('with conditional copies, two machines and lost answers write no object twice', async (context) => {
  const weed = await startSeaweed()
  context.after(() => weed.close())
  const [source, destination] = [await filled(KEYS, weed), await empty(weed)]
  const results = await Promise.all([0, 1].map(async () => runSync(source, destination, { state: await stateFor(context) })))
  for (const { errors } of results) assert.deepEqual(errors, [])
  assert.deepEqual(await contentOf(destination), await contentOf(source))
  const proxy = await proxyS3({ endpoint: weed.endpoint, faults: [{ fault: { kind: 'lost' }, match: /^CopyObject/, times: 1 }] })
  context.after(() => proxy.close())
  const through = (address: string) => address.replace(weed.endpoint, proxy.endpoint)
  const other = await empty(weed)
  const { errors, counts, engines } = await runSync(through(source), through(other), { state: await stateFor(context) })
  assert.deepEqual([errors, counts.objectsCopied, engines], [[], KEYS.length, { 'server-copy': KEYS.length }])
  assert.deepEqual(await contentOf(other), await contentOf(source))
})

test('a copy with a KMS ETag is proved by its size, and the next run knows it', async (context) => {
  const [plain, keyed] = [`${'0'.repeat(31)}1`, `${'0'.repeat(31)}2`]
  let encryption = 'aws:kms'
  let copied = false
  const page = (etag: string) =>
    `<ListBucketResult><IsTruncated>false</IsTruncated>${etag === '' ? '' : `<Contents><Key>k</Key><LastModified>2024-01-01T00:00:00Z</LastModified><ETag>${etag}</ETag><Size>7</Size></Contents>`}</ListBucketResult>`
  const store = createServer((request, response) => {
    const isSource = request.url?.startsWith('/source') === true
    if (request.url?.includes('uploads=')) response.end('<ListMultipartUploadsResult></ListMultipartUploadsResult>')
    else if (request.method === 'GET') response.end(page(isSource ? plain : copied ? keyed : ''))
    else if (request.method === 'HEAD')
      response
        .writeHead(200, {
          etag: `"${isSource ? plain : keyed}"`,
          'content-length': '7',
          ...(isSource ? {} : { 'x-amz-server-side-encryption': encryption }),
        })
        .end()
    else {
      copied = true
      response.end(`<CopyObjectResult><ETag>"${keyed}"</ETag></CopyObjectResult>`)
    }
  })
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve))
  context.after(() => void store.close())
  const at = (bucket: string) => `s3://${bucket}?endpoint=http://127.0.0.1:${(store.address() as { port: number }).port}`
  const state = await stateFor(context)
  const first = await runSync(at('source'), at('target'), { state })
  assert.deepEqual([first.errors, first.counts.objectsCopied], [[], 1])
  assert.deepEqual((await runSync(at('source'), at('target'), { state })).counts.objectsSkipped, 1)
  encryption = 'AES256'
  const other = await runSync(at('source'), at('target'), { state: await stateFor(context), engine: 'server-copy', mode: 'direct_sync' })
  assert.ok(other.errors.some(({ code }) => code === 'CHECKSUM_MISMATCH'))
})
