import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseS3Address } from './address.ts'
import { type CredentialSource, cachedCredentials, fixedCredentials } from './credentials.ts'
import { copyObject, headObject, putObject } from './operations.ts'
import { openObject } from './read-object.ts'
import { S3Client, type S3ClientOptions } from './s3-client.ts'

const COPIED = '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>'
const SOURCE = { bucket: 'bucket', key: 'k', etag: 'e' }

/** A client of a server that does what `serve` says. */
async function against(context: TestContext, serve: RequestListener, options: Partial<S3ClientOptions> = {}): Promise<S3Client> {
  const server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, options)
  context.after(() => {
    client.close()
    server.closeAllConnections()
    server.close()
  })
  return client
}

function clientOf(endpoint: string, options: Partial<S3ClientOptions>): S3Client {
  return new S3Client({
    address: parseS3Address(`s3://bucket?endpoint=${endpoint}`),
    credentials: fixedCredentials({ accessKeyId: 'a', secretAccessKey: 's' }),
    connections: 4,
    idleTimeoutMs: 300,
    retry: { attempts: 3, baseDelayMs: 1, maxDelayMs: 5 },
    signal: new AbortController().signal,
    nowMs: Date.now,
    random: Math.random,
    environment: {},
    ...options,
  })
}

const error = (response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}) =>
  response.writeHead(status, headers).end(`<Error><Code>${code}</Code><Message>m</Message></Error>`)

test('another region is followed once and remembered', async (context) => {
  const regions: string[] = []
  const client = await against(context, (request, response) => {
    const region = /\/(\w[\w-]*)\/s3\/aws4_request/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    regions.push(region)
    if (region === 'eu-west-1') response.end(COPIED)
    else error(response, 400, 'AuthorizationHeaderMalformed', { 'x-amz-bucket-region': 'eu-west-1' })
  })
  await copyObject(client, 'x', SOURCE)
  await copyObject(client, 'y', SOURCE)
  assert.deepEqual(regions, ['us-east-1', 'eu-west-1', 'eu-west-1'])
  const lost = await against(context, (_request, response) => error(response, 301, 'PermanentRedirect'))
  await assert.rejects(copyObject(lost, 'x', SOURCE), { code: 'STORE_REGION_WRONG' })
})

test('a clock that goes wrong is set by the store’s, credentials that have expired are fetched again', async (context) => {
  const dates: string[] = []
  const skewed = await against(
    context,
    (request, response) => {
      dates.push(String(request.headers['x-amz-date']))
      if (dates.length === 1) error(response, 403, 'RequestTimeTooSkewed', { date: 'Wed, 01 Jan 2025 12:00:00 GMT' })
      else response.end(COPIED)
    },
    { nowMs: () => Date.UTC(2020, 0, 1) },
  )
  await copyObject(skewed, 'x', SOURCE)
  assert.deepEqual(dates, ['20200101T000000Z', '20250101T120000Z'])
  let fetched = 0
  const source: CredentialSource = cachedCredentials(
    async () => ({ accessKeyId: `key${++fetched}`, secretAccessKey: 's', sessionToken: 't' }),
    Date.now,
  )
  const seen: string[] = []
  const expiring = await against(
    context,
    (request, response) => {
      const key = /Credential=(\w+)/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      seen.push(`${key} ${request.headers['x-amz-security-token']}`)
      if (key === 'key1') error(response, 400, 'ExpiredToken')
      else response.end(COPIED)
    },
    { credentials: source },
  )
  await copyObject(expiring, 'x', SOURCE)
  assert.deepEqual(seen, ['key1 t', 'key2 t'])
})

test('errors come under one code each, with the store’s own beside it', async (context) => {
  const cases: [number, string, string][] = [
    [403, 'AccessDenied', 'STORE_REFUSED'],
    [403, 'InvalidAccessKeyId', 'CREDENTIALS_INVALID'],
    [404, 'NoSuchKey', 'OBJECT_NOT_FOUND'],
    [404, 'NoSuchBucket', 'STORE_REFUSED'],
    [412, 'PreconditionFailed', 'PRECONDITION_FAILED'],
    [501, 'NotImplemented', 'STORE_UNSUPPORTED'],
    [503, 'SlowDown', 'STORE_THROTTLED'],
    [500, 'InternalError', 'STORE_FAILED'],
    [409, 'ConditionalRequestConflict', 'STORE_FAILED'],
    [418, 'Teapot', 'STORE_REFUSED'],
    [200, 'InternalError', 'STORE_FAILED'],
    [200, 'SlowDown', 'STORE_THROTTLED'],
  ]
  for (const [status, s3, code] of cases) {
    const client = await against(context, (_request, response) => error(response, status, s3))
    await assert.rejects(
      copyObject(client, 'x', SOURCE),
      (failure: { code: string; details: { s3: string } }) => failure.code === code && failure.details.s3 === s3,
      s3,
    )
  }
})

test('answers in chunks, with white space before them, in drips, after 100 Continue, and without an end of their own are read', async (context) => {
  const ways: ((response: ServerResponse, request: IncomingMessage) => void)[] = [
    (response) => {
      response.writeHead(200)
      response.write('   \n')
      for (const piece of COPIED) response.write(piece)
      response.end()
    },
    (response) =>
      void response.socket?.end(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${COPIED.length}\r\n\r\n${COPIED}`),
    (response) => void response.socket?.end(`HTTP/1.1 200 OK\r\n\r\n${COPIED}`),
    (response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write(' '), 100)
      setTimeout(() => {
        clearInterval(drip)
        response.end(COPIED)
      }, 700)
    },
  ]
  for (const [index, way] of ways.entries()) {
    const client = await against(context, (request, response) => way(response, request))
    assert.equal((await copyObject(client, 'x', SOURCE)).etag, 'e', String(index))
  }
})

test('a store that is silent, closes at once, or speaks no HTTP ends in a typed error', async (context) => {
  const stalled = await against(context, () => {}, { retry: { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 } })
  await assert.rejects(copyObject(stalled, 'x', SOURCE), { code: 'TRANSFER_STALLED' })
  const closing = await against(context, (request) => void request.socket.destroy())
  await assert.rejects(copyObject(closing, 'x', SOURCE), { code: 'TRANSFER_TRUNCATED' })
  const babbling = await against(context, (request) => void request.socket.end('SSH-2.0-OpenSSH\r\n\r\n'))
  await assert.rejects(copyObject(babbling, 'x', SOURCE), { code: 'STORE_ANSWER_INVALID' })
  await assert.rejects(copyObject(clientOf('http://127.0.0.1:1', {}), 'x', SOURCE), { code: 'STORE_UNREACHABLE' })
})

test('a body that breaks off goes on at the next byte of the same object, and ends with an error when the object is another', async (context) => {
  const bytes = Buffer.from('0123456789'.repeat(100_000))
  const ranges: string[] = []
  const client = await against(context, (request, response) => {
    const range = String(request.headers.range ?? '')
    ranges.push(range)
    const start = Number(/bytes=(\d+)/.exec(range)?.[1] ?? 0)
    response.writeHead(start === 0 ? 200 : 206, { etag: '"e"', 'content-length': String(bytes.length - start) })
    if (ranges.length < 3) response.write(bytes.subarray(start, start + 300_000), () => response.socket?.destroy())
    else response.end(bytes.subarray(start))
  })
  const pieces: Buffer[] = []
  for await (const piece of (await openObject(client, 'k')).body) pieces.push(Buffer.from(piece))
  assert.ok(Buffer.concat(pieces).equals(bytes))
  assert.equal(ranges.length, 3)
  let asked = 0
  const changed = await against(context, (_request, response) => {
    if (asked++ > 0) return void error(response, 412, 'PreconditionFailed')
    response.writeHead(200, { etag: '"e"', 'content-length': String(bytes.length) })
    response.write(bytes.subarray(0, 1000), () => response.socket?.destroy())
  })
  await assert.rejects(
    async () => {
      for await (const _ of (await openObject(changed, 'k')).body);
    },
    { code: 'PRECONDITION_FAILED' },
  )
})

test('an upload that the store ends early does not wait, and a source that fails ends the upload', async (context) => {
  const refusing = await against(context, (_request, response) => error(response, 403, 'AccessDenied', { connection: 'close' }))
  async function* endless() {
    for (;;) yield Buffer.alloc(65_536)
  }
  await assert.rejects(putObject(refusing, 'x', { pieces: endless(), length: 2 ** 40 }), (failure: { code: string }) =>
    /STORE_REFUSED|TRANSFER_TRUNCATED/.test(failure.code),
  )
  const taking = await against(context, (request, response) => {
    request.resume()
    request.on('end', () => response.end())
  })
  async function* failing() {
    yield Buffer.alloc(10)
    throw new Error('the source broke off')
  }
  await assert.rejects(putObject(taking, 'x', { pieces: failing(), length: 100 }))
})

test('a certificate is trusted when it is named, and refused else; a signed request goes over it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'crypto-lakehouse-tls-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  })
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) =>
    response.writeHead(200, { etag: '"e"', 'content-length': '7' }).end(),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`
  const trusting = clientOf(endpoint, { ca: readFileSync(cert, 'utf8') })
  assert.equal((await headObject(trusting, 'k'))?.size, 7)
  trusting.close()
  await assert.rejects(headObject(clientOf(endpoint, {}), 'k'), { code: 'STORE_REFUSED' })
})

test('a temporary redirect is followed to another address of the same host, and to no other host', async (context) => {
  const asked: string[] = []
  const target = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(200, { etag: '"e"', 'content-length': '7' }).end()
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  context.after(() => target.close())
  const { port } = target.address() as AddressInfo
  const to = (location: string) => (_request: IncomingMessage, response: ServerResponse) =>
    error(response, 307, 'TemporaryRedirect', { location })
  const client = await against(context, to(`http://127.0.0.1:${port}/bucket/k`))
  assert.equal((await headObject(client, 'k'))?.size, 7)
  assert.equal((await headObject(client, 'other'))?.size, 7)
  assert.deepEqual(asked, ['/bucket/k', '/bucket/other'])
  for (const location of [`http://localhost:${port}/bucket/k`, 'https://elsewhere.example/', 'ftp://127.0.0.1/', 'no address'])
    await assert.rejects(headObject(await against(context, to(location)), 'k'), { code: 'STORE_REGION_WRONG' }, location)
  assert.equal(asked.length, 2)
})
