import { LakehouseError } from '../../core/errors.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { openSegments } from './segments.ts'

const COLUMNS = {
  event: 'VARCHAR',
  at: 'VARCHAR',
  run: 'VARCHAR',
  n: 'BIGINT',
  seq: 'BIGINT',
  key: 'VARCHAR',
  size: 'BIGINT',
  etag: 'VARCHAR',
  lastModifiedMs: 'BIGINT',
  sha256: 'VARCHAR',
  published: 'VARCHAR',
  by: 'VARCHAR',
  stage: 'VARCHAR',
  code: 'VARCHAR',
  message: 'VARCHAR',
  decoder: 'BIGINT',
  bound: 'BIGINT',
  header: 'BOOLEAN',
  bom: 'BOOLEAN',
  lineEnd: 'VARCHAR',
  unitMs: 'BIGINT',
  unitUs: 'BIGINT',
  rows: 'BIGINT',
  rejected: 'BIGINT',
  sorted: 'BOOLEAN',
  unused: 'BIGINT',
  partitions: 'DOUBLE[]',
  line: 'BIGINT',
  decision: 'VARCHAR',
  text: 'VARCHAR',
  reason: 'VARCHAR',
  time: 'VARCHAR',
  kept: 'VARCHAR',
  dropped: 'VARCHAR',
} as const

/** The state of the current revision of one archive key, from the ledger. */
export type ObjectState = {
  readonly key: string
  readonly sha256: string
  readonly size: number
  readonly etag: string
  readonly lastModifiedMs: number
  /** The digest in the checksum file, or null without a checksum file. */
  readonly published: string | null
}

/** The ledger at the time it was read. */
export class LedgerFold implements AsyncDisposable {
  readonly #session: DuckDBSession
  /** Every event. */
  readonly events: Relation<keyof typeof COLUMNS>
  /** The current verified revision of each key (`v`: sha256, size, etag, lastModifiedMs, published), and whether bronze has lost it since. */
  readonly objects: Relation<'key' | 'v' | 'verified_at' | 'lost'>

  private constructor(session: DuckDBSession, events: LedgerFold['events'], objects: LedgerFold['objects']) {
    this.#session = session
    this.events = events
    this.objects = objects
  }

  /** Reads the segments. Throws LEDGER_CORRUPT. */
  static async read(session: DuckDBSession, store: ObjectStore): Promise<LedgerFold> {
    const events = await readEvents(session, store)
    const objects = Relation.of(
      session,
      ['key', 'v', 'verified_at', 'lost'],
      `WITH verified AS (
        SELECT key, arg_max(struct_pack(sha256, size, etag, lastModifiedMs, published), ${EVENT_ORDER}) AS v, max(${EVENT_ORDER}) AS verified_at
        FROM ${events} WHERE event = 'verified' GROUP BY key
      ), lost AS (SELECT key, sha256, max(${EVENT_ORDER}) AS lost_at FROM ${events} WHERE event = 'lost' GROUP BY key, sha256)
      SELECT verified.key AS key, v, verified_at, coalesce(lost_at > verified_at, false) AS lost
      FROM verified LEFT JOIN lost ON lost.key = verified.key AND lost.sha256 = v.sha256`,
    )
    return new LedgerFold(session, events, await objects)
  }

  /** The place of the last event in the order of all events, and the latest time that any event has; null without events. */
  async last(): Promise<{ seq: number; at: string | null }> {
    const [row] = await this.#session.rows(`SELECT coalesce(max(seq), 0)::BIGINT AS seq, max("at") AS latest FROM ${this.events}`)
    return { seq: Number(row?.['seq']), at: (row?.['latest'] as string | null | undefined) ?? null }
  }

  /** SQL of the latest decision on each quarantined line: key, sha256, line (null: the object), decision, text, reason, at. */
  get decisions(): string {
    return `SELECT key, sha256, line, d.* FROM (
      SELECT key, sha256, line, arg_max(struct_pack(decision, text, reason, "at"), ${EVENT_ORDER}) AS d FROM ${this.events} WHERE event = 'decided' GROUP BY key, sha256, line)`
  }

  /** SQL of the rows that had the key of another row and other values (`key`, `time`, `kept`, `dropped`), while both objects are current. */
  get conflicts(): string {
    return `SELECT DISTINCT e.key AS key, e.time AS time, e.kept AS kept, e.dropped AS dropped FROM ${this.events} e
      JOIN ${this.objects} c ON c.key = e.key AND c.v.sha256 = e.sha256
      JOIN ${this.objects} k ON k.key = (e.kept->>'source_object') AND k.v.sha256 = e.by
      -- What an earlier decoder read does not count.
      JOIN (SELECT key, max(decoder) AS decoder FROM ${this.events} WHERE event = 'decoded' GROUP BY key) d ON d.key = e.key AND d.decoder = e.decoder
      WHERE event = 'conflicted'`
  }

  /**
   * SQL of one row per revision of each object: the content of `bronze.objects`. It does not contain clock times or run names, so that the same objects
   * always give the same rows.
   */
  get revisions(): string {
    return `
      WITH revisions AS (
        SELECT key, sha256,
          arg_max(struct_pack(size, etag, lastModifiedMs, published), ${EVENT_ORDER}) FILTER (event = 'verified') AS v,
          arg_max(struct_pack(stage, code, message, published), ${EVENT_ORDER}) FILTER (event = 'quarantined') AS q,
          arg_max(struct_pack(rows, rejected, header, unitMs, unitUs, decoder), ${EVENT_ORDER}) FILTER (event = 'decoded') AS d,
          max(${EVENT_ORDER}) FILTER (event = 'verified') AS verified_at,
          max(${EVENT_ORDER}) FILTER (event = 'quarantined') AS quarantined_at,
          max(${EVENT_ORDER}) FILTER (event = 'decoded') AS decoded_at
        FROM ${this.events} WHERE sha256 IS NOT NULL GROUP BY key, sha256
      ), judged AS (
        SELECT r.*, CASE
          WHEN r.v IS NULL AND q IS NULL THEN 'fetched'
          WHEN r.v IS NULL AND c.verified_at > quarantined_at THEN 'fetched' -- a later attempt succeeded
          WHEN r.v IS NULL THEN 'quarantined'
          WHEN r.sha256 <> c.v.sha256 THEN 'superseded'
          WHEN c.lost THEN 'lost'
          WHEN q.stage = 'decode' AND (d IS NULL OR quarantined_at > decoded_at) THEN 'quarantined'
          ELSE 'verified' END AS status
        FROM revisions r LEFT JOIN ${this.objects} c USING (key)
      )
      SELECT key, sha256, status, v.size AS size, v.etag AS etag, make_timestamptz(v.lastModifiedMs * 1000) AS last_modified,
        coalesce(v.published, q.published) AS published_sha256,
        CASE WHEN status = 'quarantined' THEN q.code END AS reason,
        d.header AS has_header, CASE WHEN d.unitUs > 0 AND d.unitMs > 0 THEN 'mixed' WHEN d.unitUs > 0 THEN 'us' WHEN d.unitMs > 0 THEN 'ms' END AS time_unit,
        d.rows AS rows, d.rejected AS rows_rejected
      FROM judged WHERE status <> 'fetched'`
  }

  /** The keys of all current objects, one per folder and so one per series and period. */
  async oneKeyPerFolder(): Promise<string[]> {
    const rows = await this.#session.rows(
      `SELECT min(key) AS key FROM ${this.objects} GROUP BY regexp_replace(key, '[^/]*$', '') ORDER BY key`,
    )
    return rows.map((row) => String(row['key']))
  }

  /** Current revisions of the keys below a prefix that bronze has not lost. */
  async currentObjects(prefix: string): Promise<Map<string, ObjectState>> {
    const rows =
      await this.#session.rows(`SELECT key, v.sha256 AS sha256, v.size AS size, v.etag AS etag, v.lastModifiedMs AS modified, v.published AS published
      FROM ${this.objects} WHERE starts_with(key, ${quote(prefix)}) AND NOT lost`)
    return new Map(
      rows.map((row) => {
        const key = String(row['key'])
        const state = {
          key,
          sha256: String(row['sha256']),
          size: Number(row['size']),
          etag: String(row['etag']),
          lastModifiedMs: Number(row['modified']),
          published: row['published'] === null ? null : String(row['published']),
        }
        return [key, state]
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.events[Symbol.asyncDispose]()
    await this.objects[Symbol.asyncDispose]()
  }
}

async function readEvents(session: DuckDBSession, store: ObjectStore): Promise<LedgerFold['events']> {
  const source = await ledgerSource(store)
  const [threads] = await session.rows("SELECT current_setting('threads') AS n")
  try {
    // The JSON reader takes 32 MB per thread, whatever it reads.
    await session.run('SET threads = 1')
    return await Relation.of(session, Object.keys(COLUMNS) as (keyof typeof COLUMNS)[], source)
  } catch (error) {
    throw ledgerError(error)
  } finally {
    await session.run(`SET threads = ${Number(threads?.['n'])}`)
  }
}

/** SQL of every event of the ledger, one column per field, `at` as text. The segments are named one by one, because the path of a lake may contain glob characters. */
export async function ledgerSource(store: ObjectStore): Promise<string> {
  const segments = (await openSegments(store)).map(quote)
  const columns = Object.entries(COLUMNS)
  if (segments.length === 0) return `SELECT ${columns.map(([name, type]) => `NULL::${type} AS "${name}"`).join(', ')} WHERE false`
  const types = columns.map(([name, type]) => `"${name}": '${type}'`).join(', ')
  return `SELECT * FROM read_json([${segments.join(', ')}], format = 'newline_delimited', columns = {${types}}, maximum_object_size = 1048576)`
}

function ledgerError(error: unknown): unknown {
  if (
    !(error instanceof LakehouseError) ||
    error.code === 'INTERRUPTED' ||
    !/Malformed JSON|Invalid Input|cast|Conversion/i.test(error.message)
  )
    return error
  return new LakehouseError(
    'LEDGER_CORRUPT',
    `cannot read the ledger: ${error.message}; move the corrupt segment out of the lake, then run \`restore\``,
    { cause: error },
  )
}

/** SQL that orders events. Only events of the first version, which do not have a place in the order, are ordered by clocks. */
export const EVENT_ORDER = 'struct_pack(seq := coalesce(seq, 0), "at", run, n)'
