import { createHash } from 'node:crypto'
import { LakehouseError } from '../../core/errors.ts'
import { collectBytes } from '../../platform/collect-bytes.ts'
import type { OpenArchive } from '../../sources/archive/discover.ts'
import type { OpenArchiveObject } from '../../sources/origin/origin.ts'

/**
 * The digest that the exchange publishes for a key of its archive, or null without a checksum file. The archive gives the same answer when it refuses a checksum
 * file that it lists; that is an error. Throws CHECKSUM_FILE_INVALID, ORIGIN_REFUSED.
 */
export async function publishedDigest(
  { source: { archive }, origin }: OpenArchive,
  key: string,
  isListed: boolean,
): Promise<{ sha256: string; file: Uint8Array } | null> {
  const checksumKey = archive.checksumKey(key)
  let opened: OpenArchiveObject
  try {
    opened = await origin.open(checksumKey)
  } catch (error) {
    if (!(error instanceof LakehouseError && error.code === 'OBJECT_NOT_FOUND')) throw error
    if (!isListed) return null
    throw new LakehouseError(
      'ORIGIN_REFUSED',
      `the archive lists ${checksumKey} but refuses to send it: check your access rights, or run \`ingest\` again later`,
      {
        details: { key, status: error.details['status'] ?? null },
        cause: error,
      },
    )
  }
  const file = await collectBytes(
    opened.body,
    CHECKSUM_FILE_BYTES,
    () =>
      new LakehouseError(
        'CHECKSUM_FILE_INVALID',
        `a checksum file is longer than ${CHECKSUM_FILE_BYTES} bytes: check the address of the archive`,
        { details: { limit: CHECKSUM_FILE_BYTES } },
      ),
  )
  return { sha256: archive.parseChecksum(file, key.slice(key.lastIndexOf('/') + 1)), file }
}

/** Bytes of the longest checksum file. */
const CHECKSUM_FILE_BYTES = 64 << 10

/** The digest and length of a body, valid after the body was read to its end. */
export type Hashed = { readonly body: AsyncIterable<Uint8Array>; digest(): { sha256: string; size: number } }

/** Hashes a body while it streams. Ends a body of more than `most` bytes. With the published digest, it ends a wrong body with CHECKSUM_MISMATCH, so that the bytes do not become an object. */
export function hashing(body: AsyncIterable<Uint8Array>, key: string, expected: string | null, most = Number.POSITIVE_INFINITY): Hashed {
  const hash = createHash('sha256')
  let size = 0
  let sha256 = ''
  async function* through(): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      hash.update(piece)
      size += piece.length
      if (size > most)
        throw new LakehouseError(
          'TRANSFER_TRUNCATED',
          `${key}: more than ${most} bytes came, far more than the archive lists: run \`ingest\` again`,
          {
            details: { key, most },
          },
        )
      yield piece
    }
    sha256 = hash.digest('hex')
    if (expected !== null && sha256 !== expected) {
      throw new LakehouseError(
        'CHECKSUM_MISMATCH',
        `${key}: the published SHA-256 is ${expected}, but the SHA-256 of the bytes is ${sha256}: run \`ingest\` again`,
        {
          details: { key, expected, sha256, size },
        },
      )
    }
  }
  return { body: through(), digest: () => ({ sha256, size }) }
}
