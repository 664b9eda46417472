import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import { putObject, type StreamedBody, uploadPart } from '../../storage/s3/operations.ts'
import { temporaryName } from '../../storage/temporary.ts'
import { type BucketKey, inBucket, type Pair, writeHeaders } from '../pair.ts'
import { isDigest } from '../plan/compare.ts'
import type { TransferObject } from '../plan/diff.ts'
import type { Moved, TransferEngine } from './engine.ts'
import { prove, publishedDigest, type Written } from './proof.ts'
import { openSource, type Source } from './relay.ts'
import { inUpload } from './upload.ts'

const PARTS_AT_ONCE = 4

/** Downloads, verifies, uploads and cleans up. Needs only read and write access, and disk space for the objects in progress. */
export const traditional: TransferEngine = {
  unfit: async () => undefined,
  refuses: (object, pair) =>
    object.size > pair.diskLimitBytes ? `it is larger than the disk limit of ${pair.diskLimitBytes} bytes (sync.diskLimitMb)` : undefined,
  move,
}

async function move(object: TransferObject, pair: Pair): Promise<Moved> {
  const published = await publishedDigest(object, pair)
  await mkdir(pair.scratch, { recursive: true })
  // The file name does not contain the key, because a key may contain `..`.
  const file = join(pair.scratch, temporaryName())
  await pair.disk.take(object.size)
  try {
    const { headers, md5 } = await download(object, pair, file, published)
    const written = { ...(await upload(object, pair, file, headers)), md5 }
    return { etag: written.etag, proof: await prove(object, pair, written, published), throughBytes: object.size, diskBytes: object.size }
  } finally {
    await rm(file, { force: true })
    pair.disk.give(object.size)
  }
}

type Downloaded = { readonly headers: Source['headers']; readonly md5: string | undefined }

/** Downloads an object at most twice: bytes that are wrong both times are wrong at the source. */
async function download(object: TransferObject, pair: Pair, file: string, published: string | undefined): Promise<Downloaded> {
  for (let attempt = 1; ; attempt++) {
    const source = await openSource(object, pair)
    const sha256 = published === undefined ? undefined : createHash('sha256')
    const md5 = published === undefined && isDigest(object.etag) ? createHash('md5') : undefined
    const handle = await open(file, 'w')
    let size = 0
    try {
      for await (const piece of source.body) {
        sha256?.update(piece)
        md5?.update(piece)
        size += piece.length
        await handle.write(piece)
      }
    } finally {
      await handle.close()
    }
    const [isWhole, found] = [size === object.size, sha256?.digest('hex')]
    const downloaded = { headers: source.headers, md5: md5?.digest('hex') }
    if (isWhole && found === published && downloaded.md5 === (md5 === undefined ? undefined : object.etag)) return downloaded
    // Bytes that do not have the listed MD5 both times are judged with the copy.
    if (attempt === 2 && isWhole && published === undefined) return downloaded
    if (attempt === 2)
      throw new LakehouseError(
        'CHECKSUM_MISMATCH',
        `${object.key} was downloaded twice as ${size} bytes with SHA-256 ${found ?? 'unknown'} instead of ${object.size} bytes with ${published ?? 'any'}: check the object in the source`,
        {
          details: { key: object.key, expected: published ?? null, digest: found ?? null },
        },
      )
  }
}

async function upload(object: TransferObject, pair: Pair, file: string, carried: Source['headers']): Promise<Written> {
  const to = inBucket(pair.destination, object.key)
  if (to === undefined) return await pair.destination.store.put(object.key, createReadStream(file))
  const headers = { ...carried, ...writeHeaders(pair.write) }
  if (object.size > pair.multipartThresholdBytes) return await uploadInParts(to, object, pair, file, headers)
  return await putObject(to.client, to.key, await fileBody(file, 0, object.size), { headers })
}

async function uploadInParts(
  to: BucketKey,
  object: TransferObject,
  pair: Pair,
  file: string,
  headers: Record<string, string>,
): Promise<Written> {
  return await inUpload(to, headers, object.size, { pair, atOnce: PARTS_AT_ONCE }, (uploadId, { number, start, end }) =>
    fileBody(file, start, end).then((body) => uploadPart(to.client, to.key, uploadId, number, body)),
  )
}

/** A part of a file with its MD5, without which buckets with a default retention refuse it. */
async function fileBody(file: string, start: number, end: number): Promise<StreamedBody> {
  const read = () => createReadStream(file, end === 0 ? {} : { start, end: end - 1 })
  const md5 = createHash('md5')
  for await (const piece of read()) md5.update(piece)
  return { pieces: read(), length: end - start, md5: md5.digest('base64') }
}
