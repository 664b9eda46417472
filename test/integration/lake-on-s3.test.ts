import assert from 'node:assert/strict'
import { appendFile, readdir, stat, utimes } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { smallArchive } from '../support/archives.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { temporaryFolder } from '../support/folders.ts'
import { liveState } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'
import { openS3, type S3Server, startVersity, useRootKeys } from '../support/s3-server.ts'
import { killTables } from '../support/table-kill.ts'
import { raceTables } from '../support/table-race.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
  useRootKeys()
})
after(() => server.close())

const ARCHIVE = { start: Date.UTC(2024, 0, 1), days: 33, tradesPerDay: 200, symbols: ['BTCUSDT', 'XRPUSDT'], periods: ['daily'] as const }

/** An archive, a lake on disk and one in a bucket, which keeps copies in a folder of its own. */
async function lakes(context: TestContext, name: string) {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, ARCHIVE)
  const cache = { directory: join(folder, 'cache') }
  const far = (await server.bucket(name)).replace('?', '/the/lake?')
  return {
    folder,
    local: openLakehouse({ lake: join(folder, 'lake'), archive }),
    remote: openLakehouse({ lake: far, archive, cache }),
    again: () => openLakehouse({ lake: far, archive, cache: { directory: join(folder, 'another-cache') } }),
    far,
  }
}

test('a lake in a bucket holds the same files as one on disk, byte for byte, and answers the same', async (context) => {
  const { folder, local, remote, again, far } = await lakes(context, 'same')
  await ingestKlines(local)
  const { counts } = await ingestKlines(remote)
  assert.equal(counts.filesFetched, 66)
  assert.deepEqual(await liveState(far), await liveState(join(folder, 'lake')))
  assert.equal((await ingestKlines(again())).counts.partitionsWritten, 0)
  const sql =
    'SELECT symbol, count(*) AS n, sum(trade_count)::BIGINT AS trades FROM silver.binance_spot_klines_1m GROUP BY symbol ORDER BY symbol'
  assert.deepEqual(await again().select(sql), await local.select(sql))
  assert.deepEqual(await again().withTables(false, (tables) => tables.check(undefined)), [])
  const place = openS3(far)
  for await (const { key } of place.store.list('')) assert.ok(!/\.tmp-|\.probe|\.runs\//.test(key), key)
  place.close()
  assert.deepEqual(await readdir(join(folder, 'cache', 'spool')), [])
})

test('bytes that a bucket has lost are fetched again', async (context) => {
  const { remote, far } = await lakes(context, 'lost')
  await ingestKlines(remote, { symbols: ['BTCUSDT'] })
  const place = openS3(far)
  const keys: string[] = []
  for await (const { key } of place.store.list('bronze/binance/')) if (key.endsWith('.zip')) keys.push(key)
  await place.store.delete(keys[3] ?? '')
  place.close()
  await ingestKlines(remote)
  assert.deepEqual(await remote.withTables(false, (tables) => tables.check(undefined)), [])
})

test('several processes write one table in a bucket at once, some are killed: nothing is lost or doubled', async (context) => {
  const lake = await server.bucket('race')
  await emptyLake(lake)
  const environment = { LAKEHOUSE_CACHE_DIRECTORY: await temporaryFolder(context) }
  await raceTables(lake, environment, { writers: 3, writes: 10, kills: 2, seed: 'test' })
})

test('the same on disk', async (context) => {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  await raceTables(lake, {}, { writers: 4, writes: 10, kills: 3, seed: 'test' })
})

test('a table whose writer is killed at any moment opens, is whole, and can be cleaned', async (context) => {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  await killTables(lake, 12, 'test')
})

test('the cache holds no more than it may, and what is in use', async (context) => {
  const directory = await temporaryFolder(context)
  const place = openS3(await server.bucket('cached'), { cache: { directory, limitBytes: 100_000 } })
  context.after(() => place.close())
  for (let n = 0; n < 8; n++) await place.store.put(`object-${n}.bin`, Buffer.alloc(30_000, n))
  const paths: string[] = []
  for (let n = 0; n < 8; n++) {
    paths.push(await place.store.files.open(`object-${n}.bin`))
    // Long ago, but for the last three.
    if (n < 5) await utimes(paths.at(-1) ?? '', 1, 1)
  }
  const held = await readdir(join(directory, 'objects'))
  assert.ok(held.length <= 4 && held.length >= 3, String(held.length))
  assert.equal((await stat(paths[7] ?? '')).size, 30_000)
  assert.equal((await stat(await place.store.files.open('object-0.bin'))).size, 30_000, 'what went is fetched again')
  await place.store.put('object-7.bin', Buffer.from('changed'))
  assert.notEqual(await place.store.files.open('object-7.bin'), paths[7], 'what has changed is another file')
  await assert.rejects(place.store.files.open('not/there'), { code: 'OBJECT_NOT_FOUND' })
  // Several who want the same get the same, and fetch it once.
  assert.equal(new Set(await Promise.all(Array.from({ length: 5 }, () => place.store.files.open('object-1.bin')))).size, 1)
})

test('a store that passes over If-None-Match is no place for a lake, and says why', async (context) => {
  const objects = new Map<string, Buffer>()
  const careless = createServer((request, response) => {
    const key = new URL(request.url ?? '', 'http://x').pathname
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      if (request.url?.includes('list-type') === true) response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
      else if (request.method === 'PUT') {
        objects.set(key, Buffer.concat(pieces))
        response.writeHead(200, { etag: '"e"' }).end()
      } else if (request.method === 'DELETE') response.writeHead(204).end()
      else {
        const held = objects.get(key)
        response.writeHead(held === undefined ? 404 : 200, { etag: '"e"', 'content-length': String(held?.length ?? 0) })
        response.end(request.method === 'GET' ? held : undefined)
      }
    })
  })
  await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve))
  context.after(() => careless.close())
  const endpoint = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`
  const lakehouse = openLakehouse({ lake: `s3://bucket/lake?endpoint=${endpoint}`, archive: await temporaryFolder(context) })
  await assert.rejects(ingestKlines(lakehouse), { code: 'STORE_UNSUPPORTED', message: /If-None-Match/ })
})

test('of a file in a bucket a query fetches what it reads, and the whole where that was not enough', async (context) => {
  const { folder, local, remote, again, far } = await lakes(context, 'parts')
  await ingestKlines(local)
  await ingestKlines(remote)
  const objects = join(folder, 'another-cache', 'objects')
  const bytesHeld = async () => {
    let bytes = 0
    for (const name of await readdir(objects)) bytes += (await stat(join(objects, name))).blocks * 512
    return bytes
  }
  const place = openS3(far)
  context.after(() => place.close())
  let total = 0
  for await (const { key, size } of place.store.list('silver/binance_spot_klines_1m/data/')) if (key.endsWith('.parquet')) total += size
  const table = 'silver.binance_spot_klines_1m'
  const queries = [
    `SELECT sum(trade_count)::BIGINT AS n FROM ${table} WHERE symbol = 'BTCUSDT'`,
    `SELECT min(open) AS a, max(k.high) AS b FROM ${table} k WHERE k.symbol IN ('XRPUSDT') AND open_time >= '2024-01-20'`,
    `SELECT count(*) AS n, count(DISTINCT symbol) AS s FROM ${table} WHERE starts_with(symbol, 'X')`,
    `SELECT symbol, max(close) AS c FROM ${table} GROUP BY symbol ORDER BY ALL`,
    `SELECT a.symbol, count(*) AS n FROM ${table} a JOIN ${table} b USING (symbol, open_time) WHERE a.close <= b.open GROUP BY ALL ORDER BY ALL`,
  ]
  const held: number[] = []
  for (const sql of queries) {
    assert.deepEqual(await again().select(sql), await local.select(sql), sql)
    held.push(await bytesHeld())
  }
  assert.ok((held[0] ?? 0) < total / 4, `${held} of ${total}`)
  assert.deepEqual(
    held,
    [...held].sort((a, b) => a - b),
  )
  const everything = `SELECT * FROM ${table} ORDER BY symbol, open_time LIMIT 3`
  assert.deepEqual(await again().select(everything), await local.select(everything))

  // A copy whose list says more than it holds: the query finds zeros, and the whole file in their place.
  const other = openLakehouse({ lake: far, archive: folder, cache: { directory: join(folder, 'a-third-cache') } })
  await other.select(queries[0] ?? '')
  const third = join(folder, 'a-third-cache', 'objects')
  for (const name of await readdir(third)) if (name.endsWith('.held')) await appendFile(join(third, name), '+0 99999999\n+9')
  assert.deepEqual(await other.select(queries[3] ?? ''), await local.select(queries[3] ?? ''))
  assert.ok((await readdir(third)).some((name) => name.endsWith('.parquet')))
  const copies = await readdir(third)
  const parts = copies.filter((name) => name.endsWith('.parts'))
  assert.ok(parts.length > 0)
  for (const name of parts) assert.ok(copies.includes(name.replace(/\.parts$/, '')), 'the whole is there beside the parts')
})
