import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { serveArchive } from '../../src/simulator/server.ts'
import { binance } from '../../src/sources/binance/index.ts'
import { openOrigin } from '../../src/sources/origin/open-origin.ts'
import { openPlace } from '../../src/storage/open-store.ts'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { forwardProxy } from '../support/forward-proxy.ts'

const DEPS = {
  connections: 2,
  idleTimeoutMs: 2000,
  attempts: 2,
  retryDelayMs: 5,
  signal: new AbortController().signal,
  nowMs: Date.now,
  random: Math.random,
}
const KEYS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' }

/** An object that is larger than what one read takes. */
const CONTENT = randomBytes(3 << 20)

/** A bucket with one object, which takes what is put. */
function bucket(puts: Map<string, string>) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const headers = { etag: '"e"', 'content-length': String(CONTENT.length) }
      if (request.method === 'PUT') {
        puts.set(request.url ?? '', createHash('sha256').update(Buffer.concat(pieces)).digest('hex'))
        return response.writeHead(200, { etag: '"e"' }).end()
      }
      return response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : CONTENT)
    })
  }
}

async function listen(context: TestContext, server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function use(address: string, environment: Record<string, string>): Promise<Buffer> {
  const place = await openPlace(address, { ...DEPS, environment: { ...KEYS, ...environment } })
  try {
    await place.store.put('written', CONTENT)
    return Buffer.from(await place.store.get('k'))
  } finally {
    place.close()
  }
}

test('a store over https is reached through a tunnel of the proxy, with its authorization, and carries large bodies both ways', async (context) => {
  const folder = await temporaryFolder(context)
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=store.example', '-addext', 'subjectAltName=DNS:store.example']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  })
  const puts = new Map<string, string>()
  const port = await listen(context, createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, bucket(puts)))
  const proxy = await forwardProxy(context)
  const environment = { HTTPS_PROXY: proxy.url.replace('//', '//me:secret@'), AWS_CA_BUNDLE: cert }
  const address = `s3://bucket?endpoint=https://store.example:${port}`
  assert.ok(CONTENT.equals(await use(address, environment)))
  assert.equal(puts.get('/bucket/written'), createHash('sha256').update(CONTENT).digest('hex'))
  const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`
  assert.deepEqual(new Set(proxy.asked.map(({ what }) => what)), new Set([`CONNECT store.example:${port}`]))
  assert.deepEqual(new Set(proxy.asked.map((one) => one.authorization)), new Set([authorization]))
  const refusing = await forwardProxy(context, { status: 407 })
  await assert.rejects(use(address, { ...environment, HTTPS_PROXY: refusing.url }), {
    code: 'STORE_UNREACHABLE',
    message: /the proxy 127\.0\.0\.1:\d+ answered 407 to a connection to store\.example/,
  })
  await assert.rejects(use(address, { ...environment, HTTPS_PROXY: 'http://127.0.0.1:1' }), {
    code: 'STORE_UNREACHABLE',
    message: /the proxy 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/,
  })
})

test('a store over plain http is asked through the proxy by whole addresses', async (context) => {
  const puts = new Map<string, string>()
  const port = await listen(context, createServer(bucket(puts)))
  const proxy = await forwardProxy(context)
  assert.ok(CONTENT.equals(await use(`s3://bucket?endpoint=http://store.example:${port}&allowHttp=true`, { http_proxy: proxy.url })))
  assert.ok(proxy.asked.some(({ what }) => what === `PUT http://store.example:${port}/bucket/written`))
  assert.equal(puts.size, 1)
})

test('an archive over http is read through the proxy, unless NO_PROXY names its host', async (context) => {
  const directory = await temporaryFolder(context)
  await smallArchive(directory, { symbols: ['BTCUSDT'], days: 1, tradesPerDay: 20 })
  const server = await serveArchive({ directory })
  context.after(() => server.close())
  const proxy = await forwardProxy(context)
  const url = server.url.replace('127.0.0.1', 'archive.example')
  const options = { ...DEPS, attempt: <T>(call: () => Promise<T>) => call() }
  const origin = await openOrigin(binance, url, { ...options, environment: { HTTP_PROXY: proxy.url } })
  assert.equal((await origin.head(dailyKey('BTCUSDT', '2024-01-30')))?.key, dailyKey('BTCUSDT', '2024-01-30'))
  await origin.close()
  assert.equal(proxy.asked.length, 1)
  const direct = await openOrigin(binance, url, { ...options, environment: { HTTP_PROXY: proxy.url, NO_PROXY: '.example' } })
  await assert.rejects(direct.head(dailyKey('BTCUSDT', '2024-01-30')), { code: 'ORIGIN_UNREACHABLE' })
  await direct.close()
  assert.equal(proxy.asked.length, 1)
})
