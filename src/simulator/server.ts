import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { localStore } from '../storage/local.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { type Fault, FaultPlan, type FaultRule } from './faults.ts'
import { listingXml } from './listing.ts'

export type ArchiveServerOptions = {
  readonly directory: string
  readonly seed?: string
  readonly faults?: readonly FaultRule[]
  /** The number of keys per listing page. */
  readonly pageSize?: number
  /** Serves the directory as a path-style bucket with this name, instead of at the root. */
  readonly bucket?: string
}

/** A running archive server. `requests` counts requests by method and key. */
export type ArchiveServer = { readonly url: string; readonly requests: ReadonlyMap<string, number>; close(): Promise<void> }

/** Serves a directory like the public archive on a free port of 127.0.0.1: files with ETag, Range and 404, and ListObjects with delimiter and marker. */
export async function serveArchive(options: ArchiveServerOptions): Promise<ArchiveServer> {
  const store = localStore(options.directory)
  const faults = new FaultPlan(options.seed ?? 'faults', options.faults ?? [])
  const requests = new Map<string, number>()
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://archive')
    const key = decodeURIComponent(options.bucket === undefined ? url.pathname.slice(1) : url.pathname.slice(options.bucket.length + 2))
    const counter = `${request.method ?? 'GET'} ${key === '' ? `?${url.searchParams.get('prefix') ?? ''}` : key}`
    requests.set(counter, (requests.get(counter) ?? 0) + 1)
    const fault = faults.next(key === '' ? `list:${url.searchParams.get('prefix') ?? ''}` : key)
    if (key === '') await sendListing(store, url.searchParams, fault, response, options.pageSize ?? 1000)
    else await sendObject(store, key, request, fault, response)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close: () => close(server) }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve, reject) => server.close((error) => (error === undefined ? resolve() : reject(error))))
}

async function sendListing(
  store: ObjectStore,
  query: URLSearchParams,
  fault: Fault | undefined,
  response: ServerResponse,
  pageSize: number,
): Promise<void> {
  const xml = await listingXml(store, query, pageSize)
  await send(response, Buffer.from(xml), { 'content-type': 'application/xml' }, 200, fault)
}

async function sendObject(
  store: ObjectStore,
  key: string,
  request: IncomingMessage,
  fault: Fault | undefined,
  response: ServerResponse,
): Promise<void> {
  const info = fault?.kind === 'absent' ? undefined : await store.head(key).catch(() => undefined)
  if (info === undefined) {
    response.writeHead(404, { 'content-type': 'application/xml' }).end('<Error><Code>NoSuchKey</Code></Error>')
    return
  }
  const content = await readFile(await store.files.open(key))
  const headers = {
    etag: `"${createHash('md5').update(content).digest('hex')}"`,
    'last-modified': new Date(info.lastModifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (range === null) await send(response, content, headers, 200, fault, request.method === 'HEAD')
  else {
    const start = Number(range[1])
    const end = range[2] === '' ? content.length : Math.min(Number(range[2]) + 1, content.length)
    if (start >= content.length) response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end()
    else
      await send(
        response,
        content.subarray(start, end),
        { ...headers, 'content-range': `bytes ${start}-${end - 1}/${content.length}` },
        206,
        fault,
      )
  }
}

async function send(
  response: ServerResponse,
  body: Buffer,
  headers: Record<string, string>,
  status: number,
  fault: Fault | undefined,
  headOnly = false,
): Promise<void> {
  if (fault?.kind === 'status') {
    response.writeHead(fault.status, fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }).end()
    return
  }
  const announced = fault?.kind === 'short' ? body.length + 100 : fault?.kind === 'long' ? Math.max(0, body.length - 100) : body.length
  response.writeHead(status, { ...headers, 'content-length': String(announced) })
  if (headOnly) response.end()
  else await sendBody(response, body, fault)
}

async function sendBody(response: ServerResponse, body: Buffer, fault: Fault | undefined): Promise<void> {
  switch (fault?.kind) {
    case 'reset':
      response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.resetAndDestroy())
      break
    case 'short':
    case 'long':
      // Write raw bytes, which Node does not check, and close the connection.
      response.flushHeaders()
      response.socket?.end(body)
      break
    case 'stall':
      response.flushHeaders()
      break
    case 'drip':
      for (let at = 0; at < body.length; at += 1024) {
        response.write(body.subarray(at, at + 1024))
        await delay(fault.pieceMs)
      }
      response.end()
      break
    case 'wrong-bytes': {
      const bytes = Buffer.from(body)
      const middle = Math.floor(bytes.length / 2)
      bytes[middle] = (bytes[middle] ?? 0) ^ 1
      response.end(bytes)
      break
    }
    default:
      response.end(body)
  }
}
