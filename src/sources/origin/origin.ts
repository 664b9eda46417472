/** What an origin knows of a published object. Times are milliseconds since 1970. */
export type ArchiveObject = { readonly key: string; readonly size: number; readonly etag: string; readonly lastModifiedMs: number }

/** An object being read: what was announced, and its bytes in pieces. */
export type OpenArchiveObject = ArchiveObject & { readonly body: AsyncIterable<Uint8Array> }

/**
 * A place that holds the archive's own layout: the public site, an S3-compatible bucket, or a directory.
 * Keys begin with data/. Errors: OBJECT_NOT_FOUND, ORIGIN_UNREACHABLE, ORIGIN_THROTTLED, ORIGIN_FAILED, ORIGIN_REFUSED,
 * ARCHIVE_LISTING_INVALID, TRANSFER_STALLED, TRANSFER_TRUNCATED.
 */
export type ArchiveOrigin = {
  readonly address: string
  /** Whether what the listing lacks may be there nevertheless: recent files are then asked for one by one. */
  readonly listingMayLag: boolean
  /** Every object below the prefix, checksum files included, all pages. */
  list(prefix: string): AsyncIterable<ArchiveObject>
  /** Names of the folders directly below the prefix, in byte order. */
  folders(prefix: string): Promise<readonly string[]>
  /** What is known of an object, or undefined when it is not there. */
  head(key: string): Promise<ArchiveObject | undefined>
  /** Begins to read an object; one attempt, the caller repeats. */
  open(key: string): Promise<OpenArchiveObject>
  close(): Promise<void>
}
