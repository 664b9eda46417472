import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import { putObject, uploadPart } from '../../storage/s3/operations.ts'
import { temporaryName } from '../../storage/temporary.ts'
import { type BucketKey, inBucket, type Pair, writeHeaders } from '../pair.ts'
import { isDigest } from '../plan/compare.ts'
import type { TransferObject } from '../plan/diff.ts'
import type { Moved, TransferEngine } from './engine.ts'
import { prove, publishedDigest, type Written } from './proof.ts'
import { openSource, type Source } from './relay.ts'
import { inUpload } from './upload.ts'

const PARTS_AT_ONCE = 4

/** Download, verify, upload, clean up: needs nothing of either side but that it can be read and written, and disk for the objects under way. */
export const traditional: TransferEngine = {
  unfit: async () => undefined,
  refuses: (object, pair) =>
    object.size > pair.diskLimitBytes ? `it is larger than the ${pair.diskLimitBytes} bytes of disk that may be used` : undefined,
  move,
}

async function move(object: TransferObject, pair: Pair): Promise<Moved> {
  const published = await publishedDigest(object, pair)
  await mkdir(pair.scratch, { recursive: true })
  // The name is ours and holds nothing of the key, which may climb.
  const file = join(pair.scratch, temporaryName())
  await pair.disk.take(object.size)
  try {
    const headers = await download(object, pair, file, published)
    const written = await upload(object, pair, file, headers)
    return { etag: written.etag, proof: await prove(object, pair, written, published), throughBytes: object.size, diskBytes: object.size }
  } finally {
    await rm(file, { force: true })
    pair.disk.give(object.size)
  }
}

/** Downloads twice at most: bytes that are wrong both times are no accident of the way. */
async function download(object: TransferObject, pair: Pair, file: string, published: string | undefined): Promise<Source['headers']> {
  for (let attempt = 1; ; attempt++) {
    const source = await openSource(object, pair)
    const [sha256, md5] = [createHash('sha256'), createHash('md5')]
    const handle = await open(file, 'w')
    let size = 0
    try {
      for await (const piece of source.body) {
        if (published === undefined) md5.update(piece)
        else sha256.update(piece)
        size += piece.length
        await handle.write(piece)
      }
    } finally {
      await handle.close()
    }
    const digest = published === undefined ? md5.digest('hex') : sha256.digest('hex')
    const expected = published ?? (isDigest(object.etag) && pair.verify !== 'size' ? object.etag : digest)
    if (size === object.size && digest === expected) return source.headers
    if (attempt === 2)
      throw new LakehouseError(
        'CHECKSUM_MISMATCH',
        `${object.key}: twice ${size} bytes with digest ${digest}, expected are ${object.size} with ${expected}`,
        {
          details: { key: object.key, expected, digest },
        },
      )
  }
}

async function upload(object: TransferObject, pair: Pair, file: string, carried: Source['headers']): Promise<Written> {
  const to = inBucket(pair.destination, object.key)
  if (to === undefined) return await pair.destination.store.put(object.key, createReadStream(file))
  const headers = { ...carried, ...writeHeaders(pair.write) }
  if (object.size > pair.multipartThresholdBytes) return await uploadInParts(to, object, pair, file, headers)
  return await putObject(to.client, to.key, { pieces: createReadStream(file), length: object.size }, { headers })
}

async function uploadInParts(
  to: BucketKey,
  object: TransferObject,
  pair: Pair,
  file: string,
  headers: Record<string, string>,
): Promise<Written> {
  return await inUpload(to, headers, object.size, { pair, atOnce: PARTS_AT_ONCE }, (uploadId, { number, start, end }) =>
    uploadPart(to.client, to.key, uploadId, number, { pieces: createReadStream(file, { start, end: end - 1 }), length: end - start }),
  )
}
