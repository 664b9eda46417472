// An S3 mock in its own process, for tests that are too large for a real store: node src/simulator/s3-mock.ts [--objects N] [--size BYTES] [--flat]. Prints its endpoint.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'

/**
 * The bucket "source" holds the number of objects that --objects names. Their keys and ETags follow from their numbers. Other objects are kept without their bytes.
 * Keys have eight digits, so that a million keys are in the order of bytes. With --flat, keys have no folders.
 */
const { values } = parseArgs({
  options: { objects: { type: 'string', default: '20000' }, size: { type: 'string', default: '65536' }, flat: { type: 'boolean' } },
})
const count = Number(values.objects)
const size = Number(values.size)

type Held = { readonly etag: string; readonly size: number }

const buckets = new Map<string, Map<string, Held>>()

const folderOf = (n: number) =>
  values.flat === true ? '' : `data/spot/daily/klines/S${String(Math.floor(n / 500)).padStart(5, '0')}USDT/1m/`
const keyOf = (n: number) => `${folderOf(n)}object-${String(n).padStart(8, '0')}.zip`
const etagOf = (n: number) => (n * 2654435761).toString(16).padStart(32, '0').slice(-32)

function numberOf(key: string): number | undefined {
  const n = Number(/object-(\d{8})\.zip$/.exec(key)?.[1] ?? Number.NaN)
  return n < count && keyOf(n) === key ? n : undefined
}

/** Objects by their position in the order of keys. */
type View = { readonly count: number; key(n: number): string; etag(n: number): string; size(n: number): number }

const sourceView: View = { count, key: keyOf, etag: etagOf, size: () => size }

/** Objects that were put or copied, sorted again after a change: enough for a second run with nothing to do. */
function viewOf(bucket: string): View {
  if (bucket === 'source') return sourceView
  const held = buckets.get(bucket) ?? new Map<string, Held>()
  const keys = sortedKeys(bucket, held)
  const at = (n: number) => held.get(keys[n] ?? '')
  return { count: keys.length, key: (n) => keys[n] ?? '', etag: (n) => at(n)?.etag ?? '', size: (n) => at(n)?.size ?? 0 }
}

const sorted = new Map<string, { keys: string[]; of: number }>()

function sortedKeys(bucket: string, held: ReadonlyMap<string, Held>): string[] {
  const known = sorted.get(bucket)
  if (known !== undefined && known.of === held.size) return known.keys
  const keys = [...held.keys()].sort()
  sorted.set(bucket, { keys, of: held.size })
  return keys
}

/** The first position whose key is at (or, with `strictly`, after) a string. */
function find(view: View, text: string, strictly: boolean): number {
  let [low, high] = [0, view.count]
  while (low < high) {
    const middle = (low + high) >> 1
    const key = view.key(middle)
    if (strictly ? key > text : key >= text) high = middle
    else low = middle + 1
  }
  return low
}

function list(view: View, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const after = query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? ''
  const limit = Math.min(1000, Number(query.get('max-keys') ?? 1000))
  let n = Math.max(find(view, prefix, false), after === '' ? 0 : find(view, after.endsWith(END) ? after.slice(0, -1) + LAST : after, true))
  let xml = ''
  let items = 0
  let last = ''
  while (n < view.count && items < limit && view.key(n).startsWith(prefix)) {
    const key = view.key(n)
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    items++
    if (cut >= 0) {
      const folder = key.slice(0, cut + 1)
      xml += `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`
      n = find(view, folder + LAST, true)
      last = folder + END
    } else {
      xml += `<Contents><Key>${key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>&quot;${view.etag(n)}&quot;</ETag><Size>${view.size(n)}</Size><StorageClass>STANDARD</StorageClass></Contents>`
      n++
      last = key
    }
  }
  const truncated = n < view.count && view.key(n).startsWith(prefix)
  const next = truncated ? `<NextContinuationToken>${last}</NextContinuationToken><NextMarker>${last}</NextMarker>` : ''
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${truncated}</IsTruncated>${next}${xml}</ListBucketResult>`
}

/** The end of a token that continues after a whole folder. */
const END = '|'
const LAST = '\u{10ffff}'

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
    else xml(list(viewOf(bucket), query))
    return
  }
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
