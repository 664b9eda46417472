import { foldLedger, OBJECT_REVISIONS } from '../lake/ledger/fold.ts'
import { type DuckDBSession, quote } from '../platform/duckdb/session.ts'
import { type ObjectStore, openAll } from '../storage/object-store.ts'

type QuarantinedLine = {
  readonly object: string
  readonly line: number
  readonly column: string | null
  readonly reason: string
  readonly text: string
}

export type Quarantine = {
  readonly objects: readonly { readonly key: string; readonly sha256: string; readonly reason: string }[]
  /** In the order of objects and lines. */
  readonly lines: readonly QuarantinedLine[]
  /** All lines, also those beyond what is listed. */
  readonly total: number
}

/** What lies in quarantine. */
export async function readQuarantine(
  { store, session }: { store: ObjectStore; session: DuckDBSession },
  limit: number,
): Promise<Quarantine> {
  await foldLedger(session, store)
  const objects = await session.rows(`SELECT key, sha256, reason FROM (${OBJECT_REVISIONS}) WHERE status = 'quarantined' ORDER BY key`)
  const keys: string[] = []
  for await (const { key } of store.list('quarantine/rows/')) keys.push(key)
  const told = objects.map((row) => ({ key: String(row['key']), sha256: String(row['sha256']), reason: String(row['reason']) }))
  if (keys.length === 0) return { objects: told, lines: [], total: 0 }
  const paths = (await openAll(store, keys)).map(quote).join(', ')
  const source = `read_json([${paths}], format = 'newline_delimited', columns = {object: 'VARCHAR', line: 'BIGINT', "column": 'VARCHAR', reason: 'VARCHAR', text: 'VARCHAR'})`
  const [totals] = await session.rows(`SELECT count(*) AS n FROM ${source}`)
  const rows = await session.rows(`SELECT * FROM ${source} ORDER BY object, line LIMIT ${limit}`)
  const lines = rows.map((row) => ({
    object: String(row['object']),
    line: Number(row['line']),
    column: row['column'] === null ? null : String(row['column']),
    reason: String(row['reason']),
    text: String(row['text']),
  }))
  return { objects: told, lines, total: Number(totals?.['n']) }
}
