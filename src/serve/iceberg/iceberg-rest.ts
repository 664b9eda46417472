import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import * as z from 'zod'
import { asLakehouseError, type ErrorCode, type LakehouseError } from '../../core/errors.ts'
import type { CatalogTable, LakeCatalog } from '../../lake/catalogs/catalog.ts'
import { parseExactJson, printExactJson } from '../../lake/iceberg/metadata.ts'
import { commitRequest, createRequest } from '../../lake/iceberg/rest.ts'
import { LAYERS, type Layer } from '../../lake/layout.ts'
import { collectBytes } from '../../platform/collect-bytes.ts'

export type CatalogServerOptions = {
  readonly catalog: LakeCatalog
  readonly readOnly: boolean
  /** Clients must show it, if there is one. */
  readonly token: string | undefined
  /** Told of each request that has been answered. */
  readonly onRequest: (line: string) => void
  /** Host names that clients may use, besides IP addresses and localhost. */
  readonly hosts: readonly string[]
  /** Longest time of a request with its body, milliseconds (default: 30 s). */
  readonly requestMs?: number | undefined
}

const READS = [
  'GET /v1/{prefix}/namespaces',
  'GET /v1/{prefix}/namespaces/{namespace}',
  'HEAD /v1/{prefix}/namespaces/{namespace}',
  'GET /v1/{prefix}/namespaces/{namespace}/tables',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
]
const WRITES = [
  'POST /v1/{prefix}/namespaces/{namespace}/tables',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/namespaces/{namespace}/register',
]

/** What the protocol calls our errors. */
const ERRORS: Readonly<Partial<Record<ErrorCode, readonly [status: number, type: string]>>> = {
  TABLE_NOT_FOUND: [404, 'NoSuchTableException'],
  OBJECT_EXISTS: [409, 'AlreadyExistsException'],
  COMMIT_CONFLICT: [409, 'CommitFailedException'],
  SCHEMA_CHANGE_INVALID: [400, 'BadRequestException'],
  TABLE_REF_INVALID: [400, 'BadRequestException'],
  SNAPSHOT_NOT_FOUND: [400, 'BadRequestException'],
  TABLE_UNSUPPORTED: [400, 'BadRequestException'],
  TABLE_CORRUPT: [400, 'BadRequestException'],
  OBJECT_NOT_FOUND: [400, 'BadRequestException'],
  OBJECT_KEY_INVALID: [400, 'BadRequestException'],
  COLUMN_NOT_FOUND: [400, 'BadRequestException'],
  USAGE: [400, 'BadRequestException'],
  STORE_THROTTLED: [503, 'SlowDownException'],
}

class HttpError extends Error {
  readonly status: number
  readonly type: string
  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

/** An Iceberg REST catalog over the tables of a lake, not yet listening. Sources and meanings: the protocol's OpenAPI document. */
export function icebergRest(options: CatalogServerOptions): Server {
  const limits = {
    headersTimeout: Math.min(10_000, options.requestMs ?? REQUEST_MS),
    requestTimeout: options.requestMs ?? REQUEST_MS,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: 1000,
  }
  const server = createServer(limits, (request, response) => {
    answer(options, request)
      .catch((error: unknown) => toAnswer(error, options.catalog.address))
      .then(({ status, body }) => {
        send(request, response, status, body)
        options.onRequest(`${request.method} ${request.url} ${status}`)
      })
      .catch(() => response.destroy())
  })
  server.maxConnections = CONNECTIONS_MOST
  return server
}

/** The usual longest time of a request, and most connections at the same time. */
const REQUEST_MS = 30_000
const CONNECTIONS_MOST = 256

/**
 * A page of another site can make a browser send requests to this machine, also under a name of its own that it points here. Such requests carry a foreign Origin or Host.
 * Throws 403 and 421.
 */
function refuseForeign({ headers }: IncomingMessage, hosts: readonly string[]): void {
  const named = hostOf(`http://${headers.host ?? ''}`)
  if (named === undefined || (isIP(named.replace(/^\[|\]$/g, '')) === 0 && named !== 'localhost' && !hosts.includes(named)))
    throw new HttpError(
      421,
      'BadRequestException',
      `the host name ${named ?? ''} is not served here: use the address, or add the name to catalog.hosts`,
    )
  if (headers.origin !== undefined && hostOf(headers.origin) !== named)
    throw new HttpError(403, 'ForbiddenException', 'requests from pages of other sites are refused')
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

function parts(pathname: string): string[] {
  try {
    return pathname.slice(1).split('/').map(decodeURIComponent)
  } catch {
    throw new HttpError(400, 'BadRequestException', `${pathname} is not encoded as a path is`)
  }
}

type Answer = { readonly status: number; readonly body: unknown }

async function answer({ catalog, readOnly, token, hosts }: CatalogServerOptions, request: IncomingMessage): Promise<Answer> {
  refuseForeign(request, hosts)
  if (token !== undefined && !isToken(request.headers.authorization, token))
    throw new HttpError(401, 'NotAuthorizedException', 'a bearer token is needed that this catalog knows')
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://catalog')
  const [version, ...path] = parts(pathname)
  if (version !== 'v1') throw new HttpError(404, 'NotFoundException', `there is no ${pathname}`)
  const method = request.method ?? 'GET'
  const reads = method === 'GET' || method === 'HEAD'
  const [kind = '', namespace, resource, name, more] = path
  if (kind === 'config' && reads)
    return ok({ defaults: catalog.clientSettings, overrides: {}, endpoints: readOnly ? READS : [...READS, ...WRITES] })
  if (kind !== 'namespaces') throw new HttpError(404, 'NotFoundException', `there is no ${pathname}`)
  if (namespace === undefined) return namespaces(method, searchParams)
  if (resource === undefined && reads) return ok({ namespace: [layerOf(catalog, namespace)], properties: {} })
  if (resource === 'tables' && name !== undefined) {
    if (reads) return ok(shown(catalog, await catalog.load(namespace, name)))
    if (method === 'POST' && more === 'metrics') return { status: 204, body: undefined }
  }
  if (resource === 'tables' && name === undefined && reads) {
    const layer = layerOf(catalog, namespace)
    const identifiers = (await catalog.tables(layer)).map((table) => ({ namespace: [layer], name: table }))
    return ok({ identifiers })
  }
  if (reads || method !== 'POST') throw new HttpError(406, 'UnsupportedOperationException', `${method} ${pathname} is not supported`)
  if (readOnly) throw new HttpError(403, 'ForbiddenException', 'this catalog is read only')
  // A page in a browser can send anything else to this machine without being asked whether it may.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new HttpError(415, 'BadRequestException', 'the body must be application/json')
  return await write(catalog, namespace, resource, name, await bodyOf(request))
}

async function write(
  catalog: LakeCatalog,
  namespace: string,
  resource: string | undefined,
  name: string | undefined,
  body: unknown,
): Promise<Answer> {
  const layer = layerOf(catalog, namespace)
  if (resource === 'register') {
    const { name: table, 'metadata-location': location } = valid(z.looseObject({ name: z.string(), 'metadata-location': z.string() }), body)
    return ok(shown(catalog, await catalog.register(layer, table, location)))
  }
  if (resource === 'tables' && name === undefined) return ok(shown(catalog, await catalog.create(layer, valid(createRequest, body))))
  if (resource === 'tables' && name !== undefined) {
    const { location, metadata } = await catalog.commit(layer, name, valid(commitRequest, body))
    return ok({ 'metadata-location': location, metadata })
  }
  throw new HttpError(406, 'UnsupportedOperationException', `${resource ?? 'that'} cannot be written`)
}

function namespaces(method: string, query: URLSearchParams): Answer {
  if (method !== 'GET') throw new HttpError(406, 'UnsupportedOperationException', `the namespaces are ${LAYERS.join(', ')}, and no others`)
  return ok({ namespaces: (query.get('parent') ?? '') === '' ? LAYERS.map((layer) => [layer]) : [] })
}

/** Throws what the protocol says of a namespace that is not there. */
function layerOf(catalog: LakeCatalog, namespace: string): Layer {
  if (!catalog.isNamespace(namespace))
    throw new HttpError(404, 'NoSuchNamespaceException', `there is no namespace ${namespace}: there are ${LAYERS.join(', ')}`)
  return namespace
}

function shown(catalog: LakeCatalog, { location, metadata }: CatalogTable): object {
  return { ...(location === null ? {} : { 'metadata-location': location }), metadata, config: catalog.clientSettings }
}

function valid<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const found = schema.safeParse(body)
  if (!found.success) throw new HttpError(400, 'BadRequestException', z.prettifyError(found.error))
  return found.data
}

/** Metadata of very many snapshots is a few megabytes; a longer body is not a request of a client. */
const LARGEST_BODY = 16 << 20

/** Values and depth of the largest JSON that is parsed. */
const VALUES_MOST = 500_000
const DEPTH_MOST = 64

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const tooLarge = () => new HttpError(413, 'BadRequestException', 'the request is too large')
  const bytes = await collectBytes(request, LARGEST_BODY, tooLarge)
  try {
    if (!isModest(bytes))
      throw new HttpError(
        413,
        'BadRequestException',
        `the body has more than ${VALUES_MOST} values, or is nested more than ${DEPTH_MOST} levels deep`,
      )
    return parseExactJson(bytes.toString('utf8'))
  } catch (error) {
    if (error instanceof HttpError) throw error
    throw new HttpError(400, 'BadRequestException', 'the body is not JSON')
  }
}

/** Whether a JSON text is small enough to be parsed: looked at byte by byte, because parsing would already take the memory. */
function isModest(bytes: Buffer): boolean {
  const [quote, backslash, comma, open, openList, close, closeList] = [...Buffer.from('"\\,{[}]')]
  let [values, depth, isText] = [0, 0, false]
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isText) {
      if (byte === backslash) at++
      else if (byte === quote) isText = false
    } else if (byte === quote) isText = true
    else if (byte === comma && ++values > VALUES_MOST) return false
    else if ((byte === open || byte === openList) && (++depth > DEPTH_MOST || ++values > VALUES_MOST)) return false
    else if (byte === close || byte === closeList) depth--
  }
  return true
}

/** Compared in the same time wherever they differ. */
function isToken(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}

function ok(body: unknown): Answer {
  return { status: 200, body }
}

/** The answer to a failed request. Clients do not learn where the lake lies on this machine. */
function toAnswer(error: unknown, address: string): Answer {
  if (error instanceof HttpError)
    return { status: error.status, body: { error: { message: error.message, type: error.type, code: error.status } } }
  const failure: LakehouseError = asLakehouseError(error)
  const [status, type] = ERRORS[failure.code] ?? [500, 'InternalServerError']
  const message = failure.message.replaceAll(address, 'lake:').replaceAll(address.replace(/^file:\/\//, ''), 'lake:')
  return { status, body: { error: { message: `${message} (${failure.code})`, type, code: status } } }
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  const text = body === undefined || request.method === 'HEAD' ? '' : printExactJson(body)
  // An existing thing is told of without a body by 204.
  const code = request.method === 'HEAD' && status === 200 ? 204 : status
  response
    .writeHead(code, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(code === 204 ? {} : { 'content-length': Buffer.byteLength(text) }),
    })
    .end(text)
}
