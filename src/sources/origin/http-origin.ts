import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'
import { LakehouseError, systemCode } from '../../core/errors.ts'
import { collectBytes } from '../../platform/collect-bytes.ts'
import { hostAndPort, proxyFor } from '../../platform/proxy.ts'
import { bareEtag, type ListingPage, parseListingPage } from './list-bucket-result.ts'
import type { ArchiveObject, ArchiveOrigin, OpenArchiveObject } from './origin.ts'

export type HttpOriginOptions = {
  /** Base URL of the files, without a slash at the end. */
  readonly downloadUrl: string
  /** URL of the ListObjects requests. */
  readonly listingUrl: string
  readonly listingMayLag: boolean
  /** Longest time without a byte. */
  readonly idleTimeoutMs: number
  readonly connections: number
  /** Names proxies. */
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly nowMs: () => number
  /** Repeats calls that fail with a retryable error. */
  readonly attempt: <T>(call: () => Promise<T>) => Promise<T>
}

/** An archive served over HTTP: the public site, a public S3-compatible bucket (path style), or the simulated archive. */
export function httpOrigin(options: HttpOriginOptions): ArchiveOrigin {
  const agents = new Map<string, Dispatcher>()
  const agentFor = (url: string) => {
    const { origin } = new URL(url)
    const agent = agents.get(origin) ?? openAgent(origin, options)
    agents.set(origin, agent)
    return agent
  }
  const send = (method: 'GET' | 'HEAD', url: string) => answer(agentFor(url), method, url, options)
  const urlOf = (key: string) => `${options.downloadUrl}/${key.split('/').map(encodeURIComponent).join('/')}`
  const page = (prefix: string, delimiter: string, marker: string) => {
    const query = new URLSearchParams({ prefix, marker, 'encoding-type': 'url', ...(delimiter === '' ? {} : { delimiter }) })
    return options.attempt(async () =>
      parseListingPage(await text(await send('GET', `${options.listingUrl}?${query}`)), options.listingUrl),
    )
  }
  return {
    address: options.downloadUrl,
    listingMayLag: options.listingMayLag,
    list: (prefix) => listObjects((marker) => page(prefix, '', marker)),
    folders: (prefix) => listFolders(prefix, (marker) => page(prefix, '/', marker)),
    head: (key) => options.attempt(() => headOf(key, () => send('HEAD', urlOf(key)))),
    open: async (key) => opened(key, await send('GET', urlOf(key)).catch((error: unknown) => Promise.reject(absent(error, key)))),
    // Not `close`, which waits for bodies that are no longer read.
    close: async () => {
      for (const agent of agents.values()) await agent.destroy()
    },
  }
}

/** Connections to one host, through the proxy that the environment names for it. */
function openAgent(origin: string, { idleTimeoutMs, connections, environment }: HttpOriginOptions): Dispatcher {
  const { protocol, hostname, port } = new URL(origin)
  const secure = protocol === 'https:'
  const proxy = proxyFor(secure, hostname.replace(/^\[|\]$/g, ''), port === '' ? (secure ? 443 : 80) : Number(port), environment)
  const settings = {
    connections,
    headersTimeout: idleTimeoutMs,
    bodyTimeout: idleTimeoutMs,
    connect: { timeout: Math.min(idleTimeoutMs, 10_000) },
  }
  if (proxy === undefined) return new Agent(settings)
  const { host, authorization } = proxy
  const uri = `http://${hostAndPort(host, proxy.port)}`
  return new ProxyAgent({ ...settings, uri, ...(authorization === undefined ? {} : { token: authorization }) })
}

async function* listObjects(page: (marker: string) => Promise<ListingPage>): AsyncGenerator<ArchiveObject> {
  for await (const { objects } of pages(page)) yield* objects
}

async function listFolders(prefix: string, page: (marker: string) => Promise<ListingPage>): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { folders } of pages(page)) for (const folder of folders) names.push(folder.slice(prefix.length, -1))
  return names
}

/** Pages without any key that a listing may have in a row. */
const EMPTY_MOST = 100

async function* pages(page: (marker: string) => Promise<ListingPage>): AsyncGenerator<ListingPage> {
  let marker: string | undefined = ''
  let empty = 0
  while (marker !== undefined) {
    const next: ListingPage = await page(marker)
    yield next
    empty = next.objects.length + next.folders.length === 0 ? empty + 1 : 0
    if (next.nextMarker === marker || empty > EMPTY_MOST)
      throw new LakehouseError('ARCHIVE_LISTING_INVALID', `the archive listing repeats the page after ${marker}: run again later`, {
        details: { marker },
      })
    marker = next.nextMarker
  }
}

async function headOf(key: string, send: () => Promise<Dispatcher.ResponseData>): Promise<ArchiveObject | undefined> {
  try {
    const response = await send()
    await response.body.dump()
    return describe(key, response)
  } catch (error) {
    if (absent(error, key).code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

/** The CDN answers 403 or 404 for a file that does not exist. */
function absent(error: unknown, key: string): LakehouseError {
  const failure = networkError(error)
  const status = failure.details['status']
  if (status !== 403 && status !== 404) return failure
  return new LakehouseError('OBJECT_NOT_FOUND', `${key} is not in the archive: see \`catalog files\``, {
    details: { key, status },
    cause: error,
  })
}

function opened(key: string, response: Dispatcher.ResponseData): OpenArchiveObject {
  return { ...describe(key, response), body: readBody(response, key) }
}

function describe(key: string, { headers }: Dispatcher.ResponseData): ArchiveObject {
  return {
    key,
    size: Number(headers['content-length'] ?? -1),
    etag: bareEtag(String(headers['etag'] ?? '')),
    lastModifiedMs: Date.parse(String(headers['last-modified'] ?? '')) || 0,
  }
}

async function* readBody(response: Dispatcher.ResponseData, key: string): AsyncGenerator<Uint8Array> {
  const announced = Number(response.headers['content-length'] ?? Number.NaN)
  let received = 0
  try {
    for await (const piece of response.body) {
      received += piece.length
      if (received > announced) break
      yield piece
    }
  } catch (error) {
    const failure = networkError(error)
    if (failure.code !== 'ORIGIN_UNREACHABLE') throw failure
    throw new LakehouseError('TRANSFER_TRUNCATED', `${key}: the connection broke after ${received} bytes; run again`, {
      details: { key, received },
      cause: error,
    })
  }
  if (!Number.isNaN(announced) && received !== announced) {
    throw new LakehouseError('TRANSFER_TRUNCATED', `${key}: ${received} bytes arrived, but ${announced} were announced; run again`, {
      details: { key, received, announced },
    })
  }
}

async function answer(
  agent: Dispatcher,
  method: 'GET' | 'HEAD',
  url: string,
  { signal, nowMs }: Pick<HttpOriginOptions, 'signal' | 'nowMs'>,
): Promise<Dispatcher.ResponseData> {
  let response: Dispatcher.ResponseData
  try {
    response = await request(url, {
      method,
      dispatcher: agent,
      signal,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'crypto-lakehouse' },
    })
  } catch (error) {
    throw networkError(error)
  }
  if (response.statusCode === 200) return response
  await response.body.dump()
  throw statusError(response, url, nowMs())
}

/** Bytes of the longest page of a listing. */
const LISTING_BYTES = 16 << 20

async function text(response: Dispatcher.ResponseData): Promise<string> {
  const tooLong = () =>
    new LakehouseError(
      'ARCHIVE_LISTING_INVALID',
      `a page of the listing is longer than ${LISTING_BYTES} bytes: check the address of the archive`,
    )
  try {
    return (await collectBytes(response.body, LISTING_BYTES, tooLong)).toString('utf8')
  } catch (error) {
    throw networkError(error)
  }
}

function statusError({ statusCode, headers }: Dispatcher.ResponseData, url: string, nowMs: number): LakehouseError {
  const address = url.split('?')[0] ?? url
  const details = { address, status: statusCode }
  if (statusCode === 429 || statusCode === 503) {
    const retryAfterMs = retryAfter(String(headers['retry-after'] ?? ''), nowMs)
    return new LakehouseError('ORIGIN_THROTTLED', `${address} answered ${statusCode}`, {
      details: { ...details, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    })
  }
  return new LakehouseError(statusCode >= 500 ? 'ORIGIN_FAILED' : 'ORIGIN_REFUSED', `${address} answered ${statusCode}`, { details })
}

/** Retry-After in milliseconds: seconds or an HTTP date, at most two minutes. */
function retryAfter(value: string, nowMs: number): number | undefined {
  if (value === '') return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 120_000)
}

function networkError(error: unknown): LakehouseError {
  if (error instanceof LakehouseError) return error
  const code = systemCode(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && error.name === 'AbortError') return new LakehouseError('INTERRUPTED', 'interrupted', { cause: error })
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new LakehouseError(
      'TRANSFER_STALLED',
      `no bytes arrived from the archive in time (${message}): run again, or raise archive.idleTimeoutMs`,
      { cause: error },
    )
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || code === 'UND_ERR_SOCKET') {
    return new LakehouseError('TRANSFER_TRUNCATED', `the connection to the archive broke (${message}): run again`, { cause: error })
  }
  return new LakehouseError('ORIGIN_UNREACHABLE', `cannot reach the archive (${code || message}): check the network and --archive`, {
    cause: error,
  })
}
