import type { ObjectInfo } from '../storage/object-store.ts'

/** What an earlier run has put at the destination for this source: their ETags, where the store gives the copy another one. */
export type KnownCopy = { readonly source: string; readonly destination: string }

export type Verdict = 'unchanged' | 'size' | 'etag' | 'time'

/** An ETag that is the MD5 of the bytes: of an object that was written in one piece, unencrypted or with SSE-S3. */
export function isDigest(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag)
}

/**
 * Whether the destination still has what the source has, or how it is known that it has not. The first line that applies decides:
 *
 * | sizes differ | ETags equal | copied before, neither ETag changed | both ETags are digests | source newer | verdict   |
 * |--------------|-------------|-------------------------------------|------------------------|--------------|-----------|
 * | yes          |             |                                     |                        |              | size      |
 * | no           | yes         |                                     |                        |              | unchanged |
 * | no           | no          | yes                                 |                        |              | unchanged |
 * | no           | no          | no                                  | yes                    |              | etag      |
 * | no           | no          | no                                  | no                     | yes          | time      |
 * | no           | no          | no                                  | no                     | no           | unchanged |
 */
export function compareObjects(source: ObjectInfo, destination: ObjectInfo, known: KnownCopy | undefined): Verdict {
  if (source.size !== destination.size) return 'size'
  if (source.etag !== '' && source.etag === destination.etag) return 'unchanged'
  if (known !== undefined && known.source === source.etag && known.destination === destination.etag) return 'unchanged'
  if (isDigest(source.etag) && isDigest(destination.etag)) return 'etag'
  return Math.floor(source.lastModifiedMs / 1000) > Math.floor(destination.lastModifiedMs / 1000) ? 'time' : 'unchanged'
}
