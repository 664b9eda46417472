import type { ObjectInfo } from '../../storage/object-store.ts'

/** What an earlier run has put at the destination for this source: their ETags, where the store gives the copy another one. */
export type KnownCopy = { readonly source: string; readonly destination: string }

export type Verdict = 'unchanged' | 'size' | 'etag' | 'time'

/** An ETag that is the MD5 of the bytes: of an object that was written in one piece, unencrypted or with SSE-S3. */
export function isDigest(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag)
}

/**
 * Whether the destination still has what the source has, or how it is known that it has not. The first line that applies decides; "ours" says that the destination is the very copy that an earlier run
 * has made of this key, and of what the source was then:
 *
 * | sizes differ | ETags equal | ours, source as then | ours, source other than then | both ETags are digests | source newer | verdict   |
 * |--------------|-------------|----------------------|------------------------------|------------------------|--------------|-----------|
 * | yes          |             |                      |                              |                        |              | size      |
 * | no           | yes         |                      |                              |                        |              | unchanged |
 * | no           | no          | yes                  |                              |                        |              | unchanged |
 * | no           | no          | no                   | yes                          |                        |              | etag      |
 * | no           | no          | no                   | no                           | yes                    |              | etag      |
 * | no           | no          | no                   | no                           | no                     | yes          | time      |
 * | no           | no          | no                   | no                           | no                     | no           | unchanged |
 */
export function compareObjects(source: ObjectInfo, destination: ObjectInfo, known: KnownCopy | undefined): Verdict {
  if (source.size !== destination.size) return 'size'
  if (source.etag !== '' && source.etag === destination.etag) return 'unchanged'
  // What changed while it was copied may be older than its copy: the times would not tell.
  if (known?.destination === destination.etag) return known.source === source.etag ? 'unchanged' : 'etag'
  if (isDigest(source.etag) && isDigest(destination.etag)) return 'etag'
  return Math.floor(source.lastModifiedMs / 1000) > Math.floor(destination.lastModifiedMs / 1000) ? 'time' : 'unchanged'
}
