import { createHash, type Hash } from 'node:crypto'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { ObjectInfo } from '../../storage/object-store.ts'
import { headObject, putObject, uploadPart } from '../../storage/s3/operations.ts'
import { openObject } from '../../storage/s3/read-object.ts'
import { type BucketKey, inBucket, type Pair, writeHeaders } from '../pair.ts'
import { isDigest } from '../plan/compare.ts'
import type { TransferObject } from '../plan/diff.ts'
import type { Moved, TransferEngine } from './engine.ts'
import { prove, publishedDigest, type Written } from './proof.ts'
import { inUpload } from './upload.ts'

/** The number of parts of one object sent at the same time. */
const PARTS_AT_ONCE = 4

/** The maximum number of times that an object or a part is sent. The store client cannot repeat a streamed body, so the engine does. */
const ATTEMPTS = 4

/** Streams the bytes through the memory of this machine, never over its disk. */
export const relay: TransferEngine = {
  unfit: async () => undefined,
  refuses: () => undefined,
  move,
}

async function move(object: TransferObject, pair: Pair): Promise<Moved> {
  const published = await publishedDigest(object, pair)
  const to = inBucket(pair.destination, object.key)
  const inParts = to !== undefined && object.size > pair.multipartThresholdBytes
  const written = inParts
    ? await relayInParts(to, object, pair)
    : await repeated(pair, () => relayChecked(to, object, pair, published !== undefined))
  return { etag: written.etag, proof: await prove(object, pair, written, published), throughBytes: object.size, diskBytes: 0 }
}

export type Source = { readonly headers: Readonly<Record<string, string>>; readonly body: AsyncIterable<Uint8Array> }

/** Opens an object or a part of it. Throws PRECONDITION_FAILED when the object changed after it was planned. */
export async function openSource(object: ObjectInfo, pair: Pair, range?: { start: number; end: number }): Promise<Source> {
  const from = inBucket(pair.source, object.key)
  if (from !== undefined) {
    const opened = await openObject(from.client, from.key, { etag: object.etag, range })
    if (opened.etag !== '' && object.etag !== '' && opened.etag !== object.etag)
      throw new LakehouseError('PRECONDITION_FAILED', `${object.key} changed after it was planned: run again`, {
        details: { key: object.key },
      })
    const expected = range === undefined ? object.size : range.end - range.start
    if (opened.size !== expected)
      throw new LakehouseError(
        'STORE_ANSWER_INVALID',
        `the store announces ${opened.size} bytes for ${object.key}, but its listing says ${expected}: run again`,
        {
          details: { key: object.key },
        },
      )
    return { headers: opened.carried, body: paced(opened.body, pair) }
  }
  const { store } = pair.source
  if ((await store.head(object.key))?.etag !== object.etag)
    throw new LakehouseError('PRECONDITION_FAILED', `${object.key} changed after it was planned: run again`, {
      details: { key: object.key },
    })
  return { headers: {}, body: paced(range === undefined ? store.stream(object.key) : onePiece(store.get(object.key, range)), pair) }
}

function paced(body: AsyncIterable<Uint8Array>, { bytesPerSecond }: Pair): AsyncIterable<Uint8Array> {
  if (bytesPerSecond === undefined) return body
  return (async function* () {
    for await (const piece of body) {
      await bytesPerSecond.take(piece.length)
      yield piece
    }
  })()
}

async function* onePiece(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes
}

/** The store compares what arrives with the ETag, if that looks like an MD5. If it is none, the bytes go again without, and the proof judges them. */
async function relayChecked(to: BucketKey | undefined, object: TransferObject, pair: Pair, hashed: boolean): Promise<Written> {
  const isChecked = to !== undefined && isDigest(object.etag)
  try {
    return await relayWhole(to, object, pair, hashed, isChecked)
  } catch (error) {
    const refused = asLakehouseError(error)
    if (!isChecked || !/^(BadDigest|InvalidDigest)$/.test(String(refused.details['s3']))) throw refused
    return await relayWhole(to, object, pair, hashed, false)
  }
}

async function relayWhole(
  to: BucketKey | undefined,
  object: TransferObject,
  pair: Pair,
  hashed: boolean,
  isChecked: boolean,
): Promise<Written> {
  const source = await openSource(object, pair)
  const sha256 = hashed ? createHash('sha256') : undefined
  const md5 = isDigest(object.etag) ? createHash('md5') : undefined
  const body = hashing(source.body, [sha256, md5])
  const { etag } =
    to === undefined
      ? await pair.destination.store.put(object.key, body)
      : await putObject(
          to.client,
          to.key,
          { pieces: body, length: object.size },
          {
            headers: {
              ...source.headers,
              ...writeHeaders(pair.write),
              ...(isChecked ? { 'content-md5': Buffer.from(object.etag, 'hex').toString('base64') } : {}),
            },
          },
        )
  return { etag, sha256: sha256?.digest('hex'), md5: md5?.digest('hex') }
}

async function* hashing(body: AsyncIterable<Uint8Array>, hashes: readonly (Hash | undefined)[]): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    for (const hash of hashes) hash?.update(piece)
    yield piece
  }
}

async function relayInParts(to: BucketKey, object: TransferObject, pair: Pair): Promise<Written> {
  const from = inBucket(pair.source, object.key)
  const head = from === undefined ? undefined : await headObject(from.client, from.key)
  const headers = { ...head?.carried, ...writeHeaders(pair.write) }
  return await inUpload(to, headers, object.size, { pair, atOnce: PARTS_AT_ONCE }, (uploadId, range) =>
    repeated(pair, async () => {
      const { body } = await openSource(object, pair, range)
      return await uploadPart(to.client, to.key, uploadId, range.number, { pieces: body, length: range.end - range.start })
    }),
  )
}

/** Repeats without a pause: the store clients have already waited if waiting helps. */
async function repeated<T>(pair: Pair, send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send()
    } catch (error) {
      pair.signal.throwIfAborted()
      if (!(error instanceof LakehouseError) || !error.retryable || attempt >= ATTEMPTS) throw error
    }
  }
}
