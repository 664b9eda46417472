import { createHash } from 'node:crypto'
import { LakehouseError } from '../../core/errors.ts'
import type { OpenArchive } from '../../sources/archive/discover.ts'
import type { OpenArchiveObject } from '../../sources/origin/origin.ts'

/**
 * The digest that the exchange publishes for a key of its archive, or null when there is no checksum file. The archive answers as if there were none also when it refuses
 * to give one that it lists: that is an error. Throws CHECKSUM_FILE_INVALID, ORIGIN_REFUSED.
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
    throw new LakehouseError('ORIGIN_REFUSED', `${checksumKey} is listed, but the archive does not give it`, {
      details: { key, status: error.details['status'] ?? null },
      cause: error,
    })
  }
  const file = await collect(opened.body, 64 << 10)
  return { sha256: archive.parseChecksum(file, key.slice(key.lastIndexOf('/') + 1)), file }
}

async function collect(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > limit)
      throw new LakehouseError('CHECKSUM_FILE_INVALID', `a checksum file is longer than ${limit} bytes`, { details: { limit } })
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** What passed through: digest and length, valid once the body has been read to its end. */
export type Hashed = { readonly body: AsyncIterable<Uint8Array>; digest(): { sha256: string; size: number } }

/** Hashes a body while it streams and, given the published digest, ends it with CHECKSUM_MISMATCH instead of letting wrong bytes become an object. */
export function hashing(body: AsyncIterable<Uint8Array>, key: string, expected: string | null): Hashed {
  const hash = createHash('sha256')
  let size = 0
  let sha256 = ''
  async function* through(): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      hash.update(piece)
      size += piece.length
      yield piece
    }
    sha256 = hash.digest('hex')
    if (expected !== null && sha256 !== expected) {
      throw new LakehouseError('CHECKSUM_MISMATCH', `${key}: the published SHA-256 is ${expected}, the bytes have ${sha256}`, {
        details: { key, expected, sha256, size },
      })
    }
  }
  return { body: through(), digest: () => ({ sha256, size }) }
}
