import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { publishedDigest } from '../../src/bronze/bulk/fetch.ts'
import { serveArchive } from '../../src/simulator/server.ts'
import { planOne } from '../../src/sources/archive/plan-archive.ts'
import { binance } from '../../src/sources/binance/index.ts'
import { httpOrigin } from '../../src/sources/origin/http-origin.ts'
import { openOrigin } from '../../src/sources/origin/open-origin.ts'
import type { ArchiveOrigin } from '../../src/sources/origin/origin.ts'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { startVersity } from '../support/s3-server.ts'
import { runSync, stateFor } from '../support/transfers.ts'

const OPTIONS = {
  idleTimeoutMs: 2000,
  connections: 4,
  signal: new AbortController().signal,
  attempts: 2,
  retryDelayMs: 5,
  nowMs: Date.now,
  random: Math.random,
  environment: {},
  attempt: <T>(call: () => Promise<T>) => call(),
}
const SERIES = { exchange: 'binance', market: 'spot', dataset: 'klines', symbol: 'BTCUSDT', interval: '1m' } as const

async function everything(origin: ArchiveOrigin) {
  const keys: [string, number][] = []
  for await (const { key, size } of origin.list('data/')) keys.push([key, size])
  const bytes: Uint8Array[] = []
  for await (const piece of (await origin.open(dailyKey('BTCUSDT', '2024-01-30'))).body) bytes.push(piece)
  return {
    keys,
    folders: await origin.folders('data/spot/daily/klines/'),
    bytes: Buffer.concat(bytes).toString('base64'),
    absent: await origin.head(dailyKey('BTCUSDT', '1999-01-01')),
  }
}

test('a directory, a site and a bucket hold the same archive, whatever the size of a listing page', async (context) => {
  const directory = await temporaryFolder(context)
  await smallArchive(directory, { symbols: ['BTCUSDT', '币安人生USDT', 'A_260925'], tradesPerDay: 20 })
  const expected = await everything(await openOrigin(binance, directory, OPTIONS))
  assert.equal(expected.keys.length, 24)
  for (const pageSize of [1, 2, 7, 1000]) {
    for (const bucket of [undefined, 'archive.example']) {
      const server = await serveArchive({ directory, pageSize, ...(bucket === undefined ? {} : { bucket }) })
      const origin = await openOrigin(
        binance,
        bucket === undefined ? server.url : `s3://${bucket}?endpoint=${server.url}&anonymous=true`,
        OPTIONS,
      )
      assert.deepEqual(await everything(origin), expected, `${pageSize} ${bucket}`)
      await origin.close()
      await server.close()
    }
  }
})

test('the listing is a hint: dates after its last one are asked for by name', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'all'), { symbols: ['BTCUSDT'], days: 6, tradesPerDay: 20 })
  await smallArchive(join(folder, 'stale'), { symbols: ['BTCUSDT'], days: 2, tradesPerDay: 20 })
  await rm(join(folder, 'all', dailyKey('BTCUSDT', '2024-02-02')))
  const [files, listing] = [
    await serveArchive({ directory: join(folder, 'all') }),
    await serveArchive({ directory: join(folder, 'stale') }),
  ]
  const origin = httpOrigin({ ...OPTIONS, downloadUrl: files.url, listingUrl: listing.url, listingMayLag: true })
  const now = Date.UTC(2024, 5, 1) * 1000
  const planned = await planOne({ source: binance, origin }, SERIES, {
    range: { start: Date.UTC(2024, 0, 30) * 1000, end: Date.UTC(2024, 1, 10) * 1000 },
    now,
  })
  assert.deepEqual(
    planned.files.map(({ file }) => file.date),
    ['2024-01-30', '2024-01-31', '2024-02-01', '2024-02-03', '2024-02-04'],
  )
  assert.deepEqual(
    planned.uncovered.map((gap) => gap.reason),
    ['not_in_archive', 'after_last_file'],
  )
  const open = await planOne({ source: binance, origin }, SERIES, { range: undefined, now })
  assert.equal(open.files.length, 5)
  await origin.close()
  await files.close()
  await listing.close()
})

test('a key that follows no grammar is told and left alone', async (context) => {
  const directory = await temporaryFolder(context)
  await smallArchive(directory, { symbols: ['BTCUSDT'], days: 1, tradesPerDay: 20 })
  const strange = 'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-30-fixed.zip'
  await writeFile(join(directory, strange), 'x')
  const planned = await planOne({ source: binance, origin: await openOrigin(binance, directory, OPTIONS) }, SERIES, {
    range: undefined,
    now: Date.now() * 1000,
  })
  assert.deepEqual([planned.files.length, planned.unparsed], [1, [strange]])
})

test('an answer without end is left at its bound, with the error of what was asked', async (context) => {
  let sent = 0
  const server = createServer((_, response) => {
    const piece = Buffer.alloc(1 << 20, 'a')
    const pump = () => {
      while (!response.destroyed) {
        sent += piece.length
        if (!response.write(piece)) return void response.once('drain', pump)
      }
    }
    pump()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const origin = httpOrigin({ ...OPTIONS, downloadUrl: url, listingUrl: url, listingMayLag: true })
  context.after(() => origin.close())
  await assert.rejects(origin.folders('data/'), { code: 'ARCHIVE_LISTING_INVALID', message: /longer than 16777216 bytes/ })
  await assert.rejects(publishedDigest({ source: binance, origin }, dailyKey('BTCUSDT', '2024-01-30'), true), {
    code: 'CHECKSUM_FILE_INVALID',
    message: /longer than 65536 bytes/,
  })
  assert.ok(sent < 64 << 20, String(sent))
})

test('a private bucket is an archive like any other, also below a prefix', async (context) => {
  const server = await startVersity()
  context.after(() => server.close())
  const directory = await temporaryFolder(context)
  await smallArchive(directory, { symbols: ['BTCUSDT', 'ETHUSDT'], tradesPerDay: 20 })
  const address = (await server.bucket('private')).replace('?', '/mirror?')
  await runSync(directory, address, { state: await stateFor(context) })
  const environment = { ...server.environment }
  const origin = await openOrigin(binance, address, { ...OPTIONS, environment })
  assert.deepEqual(await everything(origin), await everything(await openOrigin(binance, directory, OPTIONS)))
  await origin.close()
})

test('addresses that name no archive are refused with the reason', async () => {
  for (const address of ['/nowhere', 'package.json', 'src']) {
    await assert.rejects(openOrigin(binance, address, OPTIONS), { code: 'USAGE' }, address)
  }
})
