import * as z from 'zod'

const digest = z.string().regex(/^[0-9a-f]{64}$/)

/**
 * What every line has: the event, the archive key, the time (ISO 8601), the run, the number of the event in the run, and its place in the order of all events:
 * greater than that of every event that the run had read before. The first version of the ledger did not have it.
 */
const line = { at: z.string(), run: z.string(), n: z.number().int(), seq: z.number().int().optional(), key: z.string() }

/** What the listing said about the published object. */
const seen = { size: z.number().int(), etag: z.string(), lastModifiedMs: z.number().int() }

/**
 * One line of the ledger.
 * planned: the run will fetch it. fetched: all bytes arrived. verified: the bytes are in bronze with this digest. superseded: the digest was current
 * until the exchange replaced the file. quarantined: the bytes must not be decoded (stage land: they never entered bronze; stage decode: they are in bronze).
 * conflicted: a row of the object had the key of an earlier row, but other values, and was dropped.
 * decided: a user dropped a quarantined line (or, without a line, the whole object), or released the line with a text that replaces it.
 * lost: bronze no longer has the bytes with this digest, so they must be fetched again. decoded: what the content of the file is.
 */
const ledgerEvent = z.discriminatedUnion('event', [
  z.strictObject({ ...line, event: z.literal('planned'), ...seen }),
  z.strictObject({ ...line, event: z.literal('fetched'), ...seen, sha256: digest }),
  z.strictObject({ ...line, event: z.literal('verified'), ...seen, sha256: digest, published: digest.nullable() }),
  z.strictObject({ ...line, event: z.literal('superseded'), sha256: digest, by: digest }),
  z.strictObject({
    ...line,
    event: z.literal('quarantined'),
    stage: z.enum(['land', 'decode']),
    sha256: digest,
    published: digest.nullable(),
    code: z.string(),
    message: z.string(),
    decoder: z.number().int(),
    /** The bound on plain bytes that the file exceeded; null when it is refused under any bound. */
    bound: z.number().nullable(),
  }),
  z.strictObject({ ...line, event: z.literal('lost'), sha256: digest, code: z.string(), message: z.string() }),
  z.strictObject({
    ...line,
    event: z.literal('conflicted'),
    sha256: digest,
    decoder: z.number().int(),
    /** The digest of the object whose row stays, the event time (ISO 8601), and both rows as JSON. */
    by: digest,
    time: z.string(),
    kept: z.string(),
    dropped: z.string(),
  }),
  z.strictObject({
    ...line,
    event: z.literal('decided'),
    sha256: digest,
    line: z.number().int().positive().nullable(),
    decision: z.enum(['released', 'dropped']),
    text: z.string().nullable(),
    reason: z.string(),
  }),
  z.strictObject({
    ...line,
    event: z.literal('decoded'),
    sha256: digest,
    decoder: z.number().int(),
    header: z.boolean(),
    bom: z.boolean(),
    lineEnd: z.enum(['lf', 'crlf', 'none']),
    unitMs: z.number().int(),
    unitUs: z.number().int(),
    rows: z.number().int(),
    rejected: z.number().int(),
    /** Whether the event times of the file never decrease. */
    sorted: z.boolean().optional(),
    /** Rows with a value in a column that should be empty. */
    unused: z.number().int().optional(),
    /** Starts (µs) of the partitions that rows of the file belong to, in order. */
    partitions: z.array(z.number()),
  }),
])

type LedgerEvent = z.infer<typeof ledgerEvent>

/** An event before the writer stamps it with time, run and numbers. */
export type NewLedgerEvent = LedgerEvent extends infer E ? (E extends LedgerEvent ? Omit<E, 'at' | 'run' | 'n' | 'seq'> : never) : never
