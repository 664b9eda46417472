import { LakehouseError } from '../../core/errors.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { LEDGER_PREFIX } from '../layout.ts'

const COLUMNS = {
  event: 'VARCHAR',
  at: 'VARCHAR',
  run: 'VARCHAR',
  n: 'BIGINT',
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
  header: 'BOOLEAN',
  bom: 'BOOLEAN',
  lineEnd: 'VARCHAR',
  unitMs: 'BIGINT',
  unitUs: 'BIGINT',
  rows: 'BIGINT',
  rejected: 'BIGINT',
  partitions: 'DOUBLE[]',
} as const

/** The state of one archive key's current revision, as the ledger tells it. */
export type ObjectState = {
  readonly key: string
  readonly sha256: string
  readonly size: number
  readonly etag: string
  readonly lastModifiedMs: number
}

/** Reads the segments into the tables `ledger` (every event) and `current_objects` (the current verified revision of each key). */
export async function foldLedger(session: DuckDBSession, store: ObjectStore): Promise<void> {
  const columns = `{${Object.entries(COLUMNS)
    .map(([name, type]) => `"${name}": '${type}'`)
    .join(', ')}}`
  const empty = Object.entries(COLUMNS).map(([name, type]) => `NULL::${type} AS "${name}"`)
  const segments = await hasSegments(store)
  const source = segments
    ? `SELECT * FROM read_json(${quote(store.localPath(`${LEDGER_PREFIX}*.ndjson`))}, format = 'newline_delimited', columns = ${columns}, maximum_object_size = 1048576)`
    : `SELECT ${empty.join(', ')} WHERE false`
  const [threads] = await session.rows("SELECT current_setting('threads') AS n")
  try {
    // The JSON reader takes 32 MB a thread, whatever it reads.
    await session.run('SET threads = 1')
    await session.run(`CREATE OR REPLACE TEMP TABLE ledger AS ${source}`)
    await session.run(`SET threads = ${Number(threads?.['n'])}`)
  } catch (error) {
    throw new LakehouseError('LEDGER_CORRUPT', `the ledger cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  await session.run(`CREATE OR REPLACE TEMP TABLE current_objects AS
    SELECT key, arg_max(struct_pack(sha256, size, etag, lastModifiedMs, published), ("at", run, n)) AS v
    FROM ledger WHERE event = 'verified' GROUP BY key`)
}

async function hasSegments(store: ObjectStore): Promise<boolean> {
  for await (const { key } of store.list(LEDGER_PREFIX)) if (key.endsWith('.ndjson')) return true
  return false
}

/** The keys of all current objects, one per folder and so one per series and period. */
export async function oneKeyPerFolder(session: DuckDBSession): Promise<string[]> {
  const rows = await session.rows("SELECT min(key) AS key FROM current_objects GROUP BY regexp_replace(key, '[^/]*$', '') ORDER BY key")
  return rows.map((row) => String(row['key']))
}

/** Current revisions of the keys below a prefix. */
export async function currentObjects(session: DuckDBSession, prefix: string): Promise<Map<string, ObjectState>> {
  const rows = await session.rows(`SELECT key, v.sha256 AS sha256, v.size AS size, v.etag AS etag, v.lastModifiedMs AS modified
    FROM current_objects WHERE starts_with(key, ${quote(prefix)})`)
  return new Map(
    rows.map((row) => {
      const key = String(row['key'])
      const state = {
        key,
        sha256: String(row['sha256']),
        size: Number(row['size']),
        etag: String(row['etag']),
        lastModifiedMs: Number(row['modified']),
      }
      return [key, state]
    }),
  )
}

/**
 * One row per revision of each object, free of clocks and run names, so that the same objects give the same rows however they came in:
 * what `bronze.objects` holds.
 */
export const OBJECT_REVISIONS = `
  WITH revisions AS (
    SELECT key, sha256,
      arg_max(struct_pack(size, etag, lastModifiedMs, published), ("at", run, n)) FILTER (event = 'verified') AS v,
      arg_max(struct_pack(stage, code, message, published), ("at", run, n)) FILTER (event = 'quarantined') AS q,
      arg_max(struct_pack(rows, rejected, header, unitMs, unitUs, decoder), ("at", run, n)) FILTER (event = 'decoded') AS d,
      max(("at", run, n)) FILTER (event = 'verified') AS verified_at,
      max(("at", run, n)) FILTER (event = 'quarantined') AS quarantined_at,
      max(("at", run, n)) FILTER (event = 'decoded') AS decoded_at
    FROM ledger WHERE sha256 IS NOT NULL GROUP BY key, sha256
  ), judged AS (
    SELECT r.*, CASE
      WHEN r.v IS NULL AND q IS NULL THEN 'fetched'
      WHEN r.v IS NULL AND c.key IS NOT NULL THEN 'fetched' -- a later attempt succeeded
      WHEN r.v IS NULL THEN 'quarantined'
      WHEN r.sha256 <> c.v.sha256 THEN 'superseded'
      WHEN q.stage = 'decode' AND (d IS NULL OR quarantined_at > decoded_at) THEN 'quarantined'
      ELSE 'verified' END AS status
    FROM revisions r LEFT JOIN current_objects c USING (key)
  )
  SELECT key, sha256, status, v.size AS size, v.etag AS etag, make_timestamptz(v.lastModifiedMs * 1000) AS last_modified,
    coalesce(v.published, q.published) AS published_sha256,
    CASE WHEN status = 'quarantined' THEN q.code END AS reason,
    d.header AS has_header, CASE WHEN d.unitUs > 0 AND d.unitMs > 0 THEN 'mixed' WHEN d.unitUs > 0 THEN 'us' WHEN d.unitMs > 0 THEN 'ms' END AS time_unit,
    d.rows AS rows, d.rejected AS rows_rejected
  FROM judged WHERE status <> 'fetched'`
