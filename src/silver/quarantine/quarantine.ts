import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import { PLAUSIBLE_TIME } from '../../core/time.ts'
import type { Lake } from '../../lake/lake.ts'
import { bronzeKey } from '../../lake/layout.ts'
import type { LedgerFold } from '../../lake/ledger/fold.ts'
import { registerFeed } from '../../platform/duckdb/feed.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { RejectedRow } from '../../sources/csv/file-evidence.ts'
import { ZipReader } from '../../sources/csv/zip-entry.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import { type ObjectStore, openAll } from '../../storage/object-store.ts'
import { makeScratch } from '../../storage/scratch.ts'
import { InputFeed } from '../build/input-feed.ts'
import type { DecodeLimits } from '../build/inputs.ts'

type QuarantinedLine = {
  readonly object: string
  readonly sha256: string
  readonly line: number
  readonly column: string | null
  readonly reason: string
  readonly text: string
  /** Whether a user has dropped it. */
  readonly dropped: boolean
}

/** A decision of a user about a line or, without a line, about an object. */
type Decided = {
  readonly object: string
  readonly sha256: string
  readonly line: number | null
  readonly decision: 'released' | 'dropped'
  readonly text: string | null
  readonly reason: string
  readonly at: string
}

export type Quarantine = {
  readonly objects: readonly { readonly key: string; readonly sha256: string; readonly reason: string; readonly dropped: boolean }[]
  /** Sorted by object and line. */
  readonly lines: readonly QuarantinedLine[]
  /** The number of all lines, listed or not. */
  readonly total: number
  /** The number of objects and lines without a decision. */
  readonly open: number
  readonly decisions: readonly Decided[]
}

/** The content of quarantine, with the decisions. */
export async function readQuarantine(lake: Lake, limit: number): Promise<Quarantine> {
  await using fold = await lake.readLedger()
  return await quarantineOf(lake, fold, limit)
}

async function quarantineOf(lake: Lake, fold: LedgerFold, limit: number): Promise<Quarantine> {
  const { store, session } = lake
  const decisions = (await session.rows(`SELECT * FROM (${fold.decisions}) ORDER BY "at", key, line`)).map((row) => ({
    object: String(row['key']),
    sha256: String(row['sha256']),
    line: row['line'] === null ? null : Number(row['line']),
    decision: String(row['decision']) as Decided['decision'],
    text: row['text'] === null ? null : String(row['text']),
    reason: String(row['reason']),
    at: String(row['at']),
  }))
  const found = await session.rows(`SELECT q.key, q.sha256, q.reason, d.decision IS NOT NULL AS dropped
    FROM (${fold.revisions}) q LEFT JOIN (${fold.decisions}) d ON d.key = q.key AND d.sha256 = q.sha256 AND d.line IS NULL WHERE status = 'quarantined' ORDER BY q.key`)
  const objects = found.map((row) => ({
    key: String(row['key']),
    sha256: String(row['sha256']),
    reason: String(row['reason']),
    dropped: row['dropped'] === true,
  }))
  const openObjects = objects.filter(({ dropped }) => !dropped).length
  const keys: string[] = []
  for await (const { key } of store.list('quarantine/rows/')) keys.push(key)
  if (keys.length === 0) return { objects, lines: [], total: 0, open: openObjects, decisions }
  const paths = (await openAll(store, keys)).map(quote).join(', ')
  const rows = `SELECT r.*, d.decision = 'dropped' AS is_dropped FROM (SELECT * REPLACE (regexp_extract(filename, '([0-9a-f]{64})\\.ndjson$', 1) AS filename) FROM
      read_json([${paths}], format = 'newline_delimited', filename = true, columns = {object: 'VARCHAR', line: 'BIGINT', "column": 'VARCHAR', reason: 'VARCHAR', text: 'VARCHAR'})) r
    LEFT JOIN (${fold.decisions}) d ON d.key = r.object AND d.sha256 = r.filename AND d.line = r.line`
  const [totals] = await session.rows(`SELECT count(*) AS n, count(*) FILTER (is_dropped IS NOT TRUE) AS undecided FROM (${rows})`)
  const lines = (await session.rows(`SELECT * FROM (${rows}) ORDER BY object, line LIMIT ${limit}`)).map((row) => ({
    object: String(row['object']),
    sha256: String(row['filename']),
    line: Number(row['line']),
    column: row['column'] === null ? null : String(row['column']),
    reason: String(row['reason']),
    text: String(row['text']),
    dropped: row['is_dropped'] === true,
  }))
  return { objects, lines, total: Number(totals?.['n']), open: openObjects + Number(totals?.['undecided']), decisions }
}

/** A decision about a quarantined line: a text replaces the line, and without a text the line is dropped. Without a line, the decision is about the whole object. */
export type Decision = { readonly line: number | null; readonly text: string | null; readonly reason: string }

/**
 * Records a decision. A released line is in its table after the next build of silver. Throws ROW_NOT_FOUND if the line or object is not in quarantine, and
 * CORRECTION_INVALID if the text cannot be decoded either.
 */
export async function decide(lake: Lake, key: string, { line, text, reason }: Decision, limits: DecodeLimits): Promise<void> {
  const { store, session, ledger } = lake
  await using fold = await lake.readLedger()
  const { objects, lines } = await quarantineOf(lake, fold, Number.MAX_SAFE_INTEGER)
  const [live] = await session.rows(`SELECT v.sha256 AS sha256 FROM ${fold.objects} WHERE key = ${quote(key)}`)
  // A replaced file may have lines in quarantine too; the decision is about the current file.
  const current = String(live?.['sha256'])
  const found =
    line === null
      ? objects.find((one) => one.key === key)
      : (lines.find((one) => one.object === key && one.line === line && one.sha256 === current) ??
        lines.findLast((one) => one.object === key && one.line === line))
  if (found === undefined)
    throw new LakehouseError(
      'ROW_NOT_FOUND',
      `${key}${line === null ? '' : ` line ${line}`} is not in quarantine: see \`quarantine\` for the list`,
      {
        details: { key },
      },
    )
  const { sha256 } = found
  if (text !== null && line !== null) {
    const rejected = await typed(store, session, { key, sha256, line, text }, limits)
    if (rejected !== undefined)
      throw new LakehouseError(
        'CORRECTION_INVALID',
        `"${text}" cannot replace line ${line} of ${key}: ${rejected.reason}${rejected.column === null ? '' : ` in ${rejected.column}`}; write all fields in the order of the file`,
        {
          details: { key, line },
        },
      )
  }
  await ledger.append({ event: 'decided', key, sha256, line, decision: text === null ? 'dropped' : 'released', text, reason })
  await ledger.flush()
}

/** Decodes an object with a correction. Returns the reason if the line is still rejected, or undefined if it is a row. */
async function typed(
  store: ObjectStore,
  session: DuckDBSession,
  { key, sha256, line, text }: { key: string; sha256: string; line: number; text: string },
  limits: DecodeLimits,
): Promise<RejectedRow | undefined> {
  const file = parseObjectKey(key)
  const folder = await makeScratch()
  try {
    const path = await store.files.open(bronzeKey(key))
    const inputs = [{ key, sha256, path, size: 0, symbol: file.symbol, placed: true, corrections: [[line, text] as const] }]
    const task = { series: file, inputs, rejects: folder, ...limits }
    const rows = new InputFeed(new ZipReader(), task, { ...PLAUSIBLE_TIME, partitionStart: () => 0 })
    const feed = await registerFeed(session, rows.columns, (chunk) => rows.fill(chunk))
    await session.run(`SELECT count(*) FROM (${feed.sql})`).finally(() => feed.finish())
    const rejects = join(folder, `${sha256}.ndjson`)
    const left = existsSync(rejects) ? readFileSync(rejects, 'utf8').trim().split('\n') : []
    return left.map((one) => JSON.parse(one) as RejectedRow).find((one) => one.line === line)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
