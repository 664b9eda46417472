import type { ObjectInfo } from '../../storage/object-store.ts'

/** A copy that an earlier run has made: the ETags of source and destination, when the store gave the copy another ETag. */
export type KnownCopy = { readonly source: string; readonly destination: string }

export type Verdict = 'unchanged' | 'size' | 'etag' | 'time'

/** Whether an ETag is the MD5 of the bytes, as for objects written in one piece, unencrypted or with SSE-S3. */
export function isDigest(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag)
}

/**
 * Whether the destination still equals the source, or else what shows the difference. The first line that applies decides.
 * "ours": the destination is the copy that an earlier run made of this key, from the source as it was then.
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
  // A source that changed during the copy may be older than its copy, so the times would not show the change.
  if (known?.destination === destination.etag) return known.source === source.etag ? 'unchanged' : 'etag'
  if (isDigest(source.etag) && isDigest(destination.etag)) return 'etag'
  return Math.floor(source.lastModifiedMs / 1000) > Math.floor(destination.lastModifiedMs / 1000) ? 'time' : 'unchanged'
}
