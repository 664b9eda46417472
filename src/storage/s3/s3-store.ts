import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { checkKey, compareKeys, type ObjectInfo, type ObjectStore } from '../object-store.ts'
import {
  abortUpload,
  completeUpload,
  copyObject,
  createUpload,
  deleteObject,
  everyPage,
  getObject,
  headObject,
  type Part,
  putObject,
  uploadPart,
} from './operations.ts'
import { openObject } from './read-object.ts'
import type { S3Client } from './s3-client.ts'
import { type CacheOptions, S3Files } from './s3-files.ts'

/** Bodies of unknown length are sent in parts of this size; shorter ones in one piece. A store takes at most 10,000 parts. */
const PART_BYTES = 16 << 20

/** The objects below the client's prefix as a store; copies of what must be files lie in `cache`. */
export function s3Store(client: S3Client, cache: CacheOptions, nowMs: () => number): ObjectStore {
  const { bucket, prefix } = client.address
  const keyOf = (key: string) => prefix + checkKey(key)
  const own = (info: ObjectInfo): ObjectInfo => ({
    key: info.key.slice(prefix.length),
    size: info.size,
    etag: info.etag,
    lastModifiedMs: info.lastModifiedMs,
  })
  const head = async (key: string) => {
    const found = await headObject(client, keyOf(key))
    return found === undefined ? undefined : own(found)
  }
  const store: Omit<ObjectStore, 'files'> = {
    url: `s3://${bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}`,
    clientSettings: clientSettings(client),
    capabilities: { putIfAbsent: true, localFiles: false },
    get: async (key, range) =>
      await collect((await (range === undefined ? openObject(client, keyOf(key)) : getObject(client, keyOf(key), { range }))).body),
    stream: (key) => streamObject(client, keyOf(key)),
    head,
    list: (under) => listAll(client, prefix, under),
    delete: (key) => deleteObject(client, keyOf(key)),
    put: async (key, body, options) => {
      const ifAbsent = options?.ifAbsent === true
      if (body instanceof Uint8Array) await putWhole(client, keyOf(key), body, ifAbsent)
      else await putStream(client, keyOf(key), body, ifAbsent)
      const info = await head(key)
      if (info === undefined) throw new LakehouseError('OBJECT_NOT_FOUND', `${key} vanished while it was written`, { details: { key } })
      return info
    },
    copy: async (from, to) => {
      const source = await headObject(client, keyOf(from))
      if (source === undefined) throw new LakehouseError('OBJECT_NOT_FOUND', `${from} does not exist`, { details: { key: from } })
      await copyObject(client, keyOf(to), { bucket, key: keyOf(from), etag: source.etag })
    },
    folders: async (under) => {
      const found: string[] = []
      for await (const { prefixes } of everyPage(client, prefix + under, { delimiter: '/' }))
        for (const name of prefixes) found.push(name.slice(prefix.length + under.length, -1))
      return found.sort(compareKeys)
    },
  }
  return { ...store, files: new S3Files(store, `${client.address.endpoint ?? ''}/${bucket}/${prefix}`, cache, nowMs) }
}

function clientSettings({ address: { endpoint, region, pathStyle } }: S3Client): Record<string, string> {
  return {
    ...(endpoint === undefined ? {} : { 's3.endpoint': endpoint }),
    's3.region': region,
    's3.path-style-access': String(pathStyle),
  }
}

async function* streamObject(client: S3Client, key: string): AsyncGenerator<Uint8Array> {
  for await (const piece of (await openObject(client, key)).body) yield Buffer.from(piece) // the connection reads on into its memory
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece)) // a copy: the connection reads on into its memory
  return Buffer.concat(pieces)
}

/** Throws LISTING_INVALID where the store does not list in the order of UTF-8 bytes, on which its readers rely. */
async function* listAll(client: S3Client, prefix: string, under: string): AsyncGenerator<ObjectInfo> {
  let last = ''
  for await (const { objects } of everyPage(client, prefix + under)) {
    for (const object of objects) {
      if (last !== '' && compareKeys(last, object.key) >= 0)
        throw new LakehouseError(
          'LISTING_INVALID',
          `s3://${client.address.bucket} lists ${object.key} after ${last}: not in the order of bytes`,
        )
      last = object.key
      yield { ...object, key: object.key.slice(prefix.length) }
    }
  }
}

async function putWhole(client: S3Client, key: string, body: Uint8Array, ifAbsent: boolean): Promise<void> {
  try {
    await putObject(client, key, body, { ifNoneMatch: ifAbsent })
  } catch (error) {
    if (!ifAbsent || asLakehouseError(error).code !== 'PRECONDITION_FAILED') throw error
    // The answer to an attempt of ours may have been lost after the store had taken it: then the object is the very one.
    const there = await openObject(client, key).then(({ body: bytes }) => collect(bytes))
    if (client.retries === 0 || Buffer.compare(there, body) !== 0)
      throw new LakehouseError('OBJECT_EXISTS', `${key} exists already`, { details: { key }, cause: error })
  }
}

async function putStream(client: S3Client, key: string, body: AsyncIterable<Uint8Array>, ifAbsent: boolean): Promise<void> {
  const pieces = body[Symbol.asyncIterator]()
  const first = await take(pieces, PART_BYTES)
  if (first.length < PART_BYTES) return await putWhole(client, key, first, ifAbsent)
  const uploadId = await createUpload(client, key)
  try {
    const parts: Part[] = []
    for (let bytes = first; bytes.length > 0; bytes = await take(pieces, PART_BYTES))
      parts.push(await uploadPart(client, key, uploadId, parts.length + 1, bytes))
    await completeUpload(client, key, uploadId, parts, { ifNoneMatch: ifAbsent })
  } catch (error) {
    await abortUpload(client, key, uploadId).catch(() => {}) // the store's lifecycle rule removes what stays
    throw asLakehouseError(error).code === 'PRECONDITION_FAILED' && ifAbsent
      ? new LakehouseError('OBJECT_EXISTS', `${key} exists already`, { details: { key }, cause: error })
      : error
  }
}

/** Up to `size` bytes, fewer only at the end. What a piece holds beyond them is kept for the next call by the iterator's wrapper. */
async function take(pieces: AsyncIterator<Uint8Array> & { rest?: Uint8Array | undefined }, size: number): Promise<Uint8Array> {
  const taken: Buffer[] = []
  let length = 0
  while (length < size) {
    const next = pieces.rest ?? (await pieces.next()).value
    pieces.rest = undefined
    if (next === undefined) break
    const room = size - length
    taken.push(Buffer.from(next.subarray(0, room)))
    length += Math.min(room, next.length)
    if (next.length > room) pieces.rest = Buffer.from(next.subarray(room))
  }
  return Buffer.concat(taken)
}
