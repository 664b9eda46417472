import * as z from 'zod'

const digest = z.string().regex(/^[0-9a-f]{64}$/)

/** What every line says: what happened, to which archive key, when (ISO 8601), in which run, as its n-th event. */
const line = { at: z.string(), run: z.string(), n: z.number().int(), key: z.string() }

/** How the published object looked when it was seen. */
const seen = { size: z.number().int(), etag: z.string(), lastModifiedMs: z.number().int() }

/**
 * One line of the ledger.
 * planned: the run wants it. fetched: its bytes arrived whole. verified: they lie in bronze with this digest. superseded: the digest was the current one
 * until upstream replaced the file. quarantined: the bytes are not to be decoded (stage land: they never entered bronze; stage decode: they lie there).
 * decided: somebody looked at a quarantined line (or at the whole object, without a line) and dropped it for good, or released the line with a text that is to be read in its place.
 * lost: bronze no longer holds the bytes with this digest, so they are to be fetched again. decoded: what the file turned out to be.
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
    /** The bound on a file's plain bytes that it exceeded; null when it is refused under any bound. */
    bound: z.number().nullable(),
  }),
  z.strictObject({ ...line, event: z.literal('lost'), sha256: digest, code: z.string(), message: z.string() }),
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
    /** Whether no event time of the file is earlier than the one before. */
    sorted: z.boolean().optional(),
    /** Rows whose column that should hold nothing holds something. */
    unused: z.number().int().optional(),
    /** Starts (µs) of the partitions in which rows of the file belong, in order. */
    partitions: z.array(z.number()),
  }),
])

type LedgerEvent = z.infer<typeof ledgerEvent>

/** An event before the writer stamps it with time, run and number. */
export type NewLedgerEvent = LedgerEvent extends infer E ? (E extends LedgerEvent ? Omit<E, 'at' | 'run' | 'n'> : never) : never
