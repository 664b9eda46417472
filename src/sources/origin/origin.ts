/** What an origin knows about a published object. Times are milliseconds since 1970. */
export type ArchiveObject = { readonly key: string; readonly size: number; readonly etag: string; readonly lastModifiedMs: number }

/** An object that is being read: the announced properties, and the bytes in pieces. */
export type OpenArchiveObject = ArchiveObject & { readonly body: AsyncIterable<Uint8Array> }

/**
 * A source with the layout of the archive: the public site, an S3-compatible bucket, or a directory.
 * Keys begin with data/. Errors: OBJECT_NOT_FOUND, ORIGIN_UNREACHABLE, ORIGIN_THROTTLED, ORIGIN_FAILED, ORIGIN_REFUSED,
 * ARCHIVE_LISTING_INVALID, TRANSFER_STALLED, TRANSFER_TRUNCATED.
 */
export type ArchiveOrigin = {
  readonly address: string
  /** Whether files may exist that the listing lacks. Recent files are then requested one by one. */
  readonly listingMayLag: boolean
  /** Every object below the prefix, checksum files included, all pages. */
  list(prefix: string): AsyncIterable<ArchiveObject>
  /** Names of the folders directly below the prefix, in byte order. */
  folders(prefix: string): Promise<readonly string[]>
  /** The properties of an object, or undefined when it does not exist. */
  head(key: string): Promise<ArchiveObject | undefined>
  /** Begins to read an object. This is one attempt; the caller repeats it. */
  open(key: string): Promise<OpenArchiveObject>
  close(): Promise<void>
}
