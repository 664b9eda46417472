// A store of its own process, for what a real one is too slow or too large for: node simulator/s3-mock.ts [--objects N] [--size BYTES]. Prints its endpoint.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'

/**
 * The bucket "source" holds so many objects, whose keys and ETags follow from their number; what is put or copied elsewhere is kept without its bytes.
 * Keys have eight digits, so that a million of them are in the order of bytes.
 */
const { values } = parseArgs({ options: { objects: { type: 'string', default: '20000' }, size: { type: 'string', default: '65536' } } })
const count = Number(values.objects)
const size = Number(values.size)

type Held = { readonly etag: string; readonly size: number }

const buckets = new Map<string, Map<string, Held>>()
const requests = new Map<string, number>()

const keyOf = (n: number) =>
  `data/spot/daily/klines/S${String(Math.floor(n / 500)).padStart(5, '0')}USDT/1m/object-${String(n).padStart(8, '0')}.zip`
const etagOf = (n: number) => (n * 2654435761).toString(16).padStart(32, '0').slice(-32)

function numberOf(key: string): number | undefined {
  const n = Number(/object-(\d{8})\.zip$/.exec(key)?.[1] ?? Number.NaN)
  return n < count && keyOf(n) === key ? n : undefined
}

/** The first number whose key comes after a string. */
function firstAfter(after: string): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (keyOf(middle) > after) high = middle
    else low = middle + 1
  }
  return low
}

const contents = (key: string, etag: string, bytes: number) =>
  `<Contents><Key>${key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${bytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`

function listSource(query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const limit = Math.min(1000, Number(query.get('max-keys') ?? 1000))
  let n = Math.max(firstAfter(after), prefix === '' ? 0 : firstAfter(prefix.slice(0, -1)))
  while (n < count && keyOf(n) < prefix) n++
  const delimiter = query.get('delimiter')
  let xml = ''
  let items = 0
  let last = ''
  for (; n < count && items < limit && keyOf(n).startsWith(prefix); n++, items++) {
    const key = keyOf(n)
    const cut = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length)
    if (cut >= 0) {
      last = key.slice(0, cut + 1)
      xml += `<CommonPrefixes><Prefix>${last}</Prefix></CommonPrefixes>`
      n = firstAfter(`${last}\u{10ffff}`) - 1
    } else {
      last = key
      xml += contents(key, etagOf(n), size)
    }
  }
  return page(xml, n < count && keyOf(n).startsWith(prefix), last)
}

function page(items: string, truncated: boolean, last: string): string {
  const next = truncated ? `<NextContinuationToken>${last}</NextContinuationToken>` : ''
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${truncated}</IsTruncated>${next}${items}</ListBucketResult>`
}

/** What was copied, in the order of its arrival sorted: enough for a second run with nothing to do. */
function listHeld(bucket: string, query: URLSearchParams): string {
  const held = buckets.get(bucket) ?? new Map<string, Held>()
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const keys = sortedKeys(bucket, held)
  let at = 0
  let high = keys.length
  while (at < high) {
    const middle = (at + high) >> 1
    if ((keys[middle] ?? '') > after) high = middle
    else at = middle + 1
  }
  const end = Math.min(keys.length, at + Math.min(1000, Number(query.get('max-keys') ?? 1000)))
  let xml = ''
  for (let index = at; index < end; index++) {
    const key = keys[index] ?? ''
    const { etag, size: bytes } = held.get(key) ?? { etag: '', size: 0 }
    xml += contents(key, etag, bytes)
  }
  return page(xml, end < keys.length, keys[end - 1] ?? '')
}

const sorted = new Map<string, { keys: string[]; of: number }>()

function sortedKeys(bucket: string, held: ReadonlyMap<string, Held>): string[] {
  const known = sorted.get(bucket)
  if (known !== undefined && known.of === held.size) return known.keys
  const keys = [...held.keys()].sort()
  sorted.set(bucket, { keys, of: held.size })
  return keys
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url = '/', headers } = request
  const mark = url.indexOf('?')
  const path = decodeURIComponent(mark < 0 ? url.slice(1) : url.slice(1, mark))
  const slash = path.indexOf('/')
  const bucket = slash < 0 ? path : path.slice(0, slash)
  const key = slash < 0 ? '' : path.slice(slash + 1)
  const xml = (text: string, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) }).end(text)
  if (key === '') {
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
    if (query.has('uploads')) xml('<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>')
    else if (query.has('location')) xml('<LocationConstraint></LocationConstraint>')
    else if (method === 'HEAD') response.writeHead(200).end()
    else
      xml(
        bucket === 'source'
          ? listSource(query)
          : bucket === 'counts'
            ? JSON.stringify(Object.fromEntries(requests))
            : listHeld(bucket, query),
      )
    return
  }
  requests.set(method, (requests.get(method) ?? 0) + 1)
  const held = buckets.get(bucket) ?? new Map<string, Held>()
  buckets.set(bucket, held)
  const source = headers['x-amz-copy-source']
  if (method === 'PUT' && typeof source === 'string') {
    const n = numberOf(decodeURIComponent(source.replace(/^\/?source\//, '')))
    if (n === undefined) return void xml('<Error><Code>NoSuchKey</Code></Error>', 404)
    held.set(key, { etag: etagOf(n), size })
    xml(
      `<?xml version="1.0" encoding="UTF-8"?><CopyObjectResult><ETag>"${etagOf(n)}"</ETag><LastModified>2024-01-01T00:00:00.000Z</LastModified></CopyObjectResult>`,
    )
    return
  }
  const n = bucket === 'source' ? numberOf(key) : undefined
  const found = n === undefined ? held.get(key) : { etag: etagOf(n), size }
  if (found === undefined) return void xml('<Error><Code>NoSuchKey</Code></Error>', 404)
  response.writeHead(200, { etag: `"${found.etag}"`, 'content-length': found.size, 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' })
  response.end(method === 'HEAD' ? undefined : Buffer.alloc(found.size))
}

const server = createServer({ keepAliveTimeout: 60_000 }, handle)
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`))
