import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, FaultPlan, type FaultRule } from './faults.ts'

export type S3ProxyOptions = {
  /** The address of the real store: http://127.0.0.1:… */
  readonly endpoint: string
  readonly seed?: string
  /** Rules match "OPERATION bucket/key", as in "CopyObject dst/a.zip" or "ListObjects src?data/". */
  readonly faults: readonly FaultRule[]
  /** Called for each request before the proxy forwards it. */
  readonly onRequest?: (operation: string, name: string) => void | Promise<void>
}

/** A store with faults: a proxy forwards requests to a real store, with faults on the way. `requests` counts them by operation. */
export type S3Proxy = { readonly endpoint: string; readonly requests: ReadonlyMap<string, number>; close(): Promise<void> }

/** Serves on a free port of 127.0.0.1. Signatures stay valid, because the proxy forwards the host header unchanged. */
export async function proxyS3(options: S3ProxyOptions): Promise<S3Proxy> {
  const plan = new FaultPlan(options.seed ?? 's3', options.faults)
  const requests = new Map<string, number>()
  const agent = new Agent({ keepAlive: true })
  const server = createServer((incoming, outgoing) => {
    const { operation, name } = describe(incoming)
    requests.set(operation, (requests.get(operation) ?? 0) + 1)
    const work = async () => {
      await options.onRequest?.(operation, name)
      await serve(options.endpoint, agent, incoming, outgoing, plan.next(`${operation} ${name}`))
    }
    work().catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      agent.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function describe({ method, url = '/', headers }: IncomingMessage): { operation: string; name: string } {
  const { pathname, searchParams: query } = new URL(url, 'http://store')
  const path = decodeURIComponent(pathname.slice(1))
  const isBucket = !path.includes('/')
  const copies = headers['x-amz-copy-source'] !== undefined
  if (isBucket && query.has('uploads')) return { operation: 'ListMultipartUploads', name: path }
  if (isBucket && query.has('delete')) return { operation: 'DeleteObjects', name: path }
  if (isBucket) return { operation: method === 'GET' ? 'ListObjects' : 'Bucket', name: `${path}?${query.get('prefix') ?? ''}` }
  const operations: Record<string, string> = {
    GET: 'GetObject',
    HEAD: 'HeadObject',
    DELETE: query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject',
    POST: query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload',
    PUT: query.has('partNumber') ? (copies ? 'UploadPartCopy' : 'UploadPart') : copies ? 'CopyObject' : 'PutObject',
  }
  return { operation: operations[method ?? ''] ?? 'Other', name: path }
}

async function serve(
  endpoint: string,
  agent: Agent,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  switch (fault?.kind) {
    case 'status': {
      incoming.resume()
      const code = fault.code ?? (fault.status === 503 ? 'SlowDown' : fault.status === 403 ? 'AccessDenied' : 'InternalError')
      outgoing.writeHead(fault.status, { 'content-type': 'application/xml' }).end(errorXml(code))
      return
    }
    case 'error-body':
      incoming.resume()
      outgoing.writeHead(200, { 'content-type': 'application/xml' }).end(errorXml(fault.code))
      return
    case 'reset':
      incoming.socket.resetAndDestroy()
      return
    case 'stall':
      incoming.resume()
      return
  }
  const answer = await forward(endpoint, agent, incoming)
  if (fault?.kind === 'lost') {
    for await (const _ of answer);
    incoming.socket.destroy()
  } else if (fault === undefined) {
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(outgoing)
  } else await spoil(answer, outgoing, fault)
}

function forward(endpoint: string, agent: Agent, incoming: IncomingMessage): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method, url, headers } = incoming
    const { hostname, port } = new URL(endpoint)
    const outgoing = send({ hostname, port, method, path: url, headers, agent }, resolve)
    outgoing.on('error', reject)
    incoming.pipe(outgoing)
  })
}

async function spoil(answer: IncomingMessage, outgoing: ServerResponse, fault: Fault): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of answer) pieces.push(piece as Buffer)
  const body = Buffer.concat(pieces)
  const { 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = answer.headers
  const status = answer.statusCode ?? 500
  const half = body.subarray(0, Math.floor(body.length / 2))
  switch (fault.kind) {
    case 'cut':
      outgoing.writeHead(status, { ...headers, 'content-length': String(half.length) }).end(half)
      return
    case 'short':
      outgoing.writeHead(status, { ...headers, 'content-length': String(body.length) })
      outgoing.write(half, () => outgoing.socket?.destroy())
      return
    case 'long':
      outgoing.writeHead(status, { ...headers, 'content-length': String(body.length + 7) }).end(Buffer.concat([body, Buffer.alloc(7)]))
      return
    case 'rewrite': {
      const other = Buffer.from(fault.rewrite(body.toString('utf8')))
      outgoing.writeHead(status, { ...headers, 'content-length': String(other.length) }).end(other)
      return
    }
    case 'wrong-bytes': {
      const wrong = Buffer.from(body)
      wrong[half.length] = (wrong[half.length] ?? 0) ^ 1
      outgoing.writeHead(status, { ...headers, 'content-length': String(wrong.length) }).end(wrong)
      return
    }
    default:
      outgoing.writeHead(status, headers).end(body)
  }
}

function errorXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>a fault</Message></Error>`
}
