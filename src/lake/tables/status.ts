import { type Finding, wholeFinding } from '../../core/finding.ts'
import { formatInstant } from '../../core/time.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import type { DuckDBSession } from '../../platform/duckdb/session.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { shownId } from '../iceberg/metadata.ts'
import { liveFiles, loadTable, snapshotOf, type Table } from '../iceberg/table.ts'
import { tableName } from '../layout.ts'
import { LedgerFold } from '../ledger/fold.ts'
import { countDeadRuns } from '../runs/run.ts'
import { everyTable } from './list-tables.ts'
import { orFinding } from './unreadable.ts'

export type TableStatus = {
  readonly name: string
  readonly rows: number
  readonly files: number
  readonly bytes: number
  readonly snapshotId: number | string | null
  readonly snapshots: number
  /** First and last event time, ISO 8601. */
  readonly from: string | null
  readonly to: string | null
}

export type LakeStatus = {
  readonly lake: string
  /** Tables that cannot be read, and what killed runs left. */
  readonly findings: readonly Finding[]
  readonly tables: readonly TableStatus[]
  readonly objects: readonly { readonly status: string; readonly objects: number; readonly bytes: number }[]
  readonly quarantine: readonly { readonly key: string; readonly reason: string }[]
  readonly rowsQuarantined: number
  readonly runs: readonly {
    readonly run: string
    readonly from: string
    readonly to: string
    readonly verified: number
    readonly quarantined: number
    readonly decoded: number
  }[]
}

/** At most this many runs and quarantined objects are listed. */
const LISTED = 10

/** The content of the lake, from table metadata and the ledger. Data files are not opened. */
export async function readStatus({ store, session }: { store: ObjectStore; session: DuckDBSession }): Promise<LakeStatus> {
  const tables: TableStatus[] = []
  const findings: Finding[] = []
  for (const root of await everyTable(store)) {
    const status = await orFinding(root, findings, () => tableStatus(store, root))
    if (status !== undefined) tables.push(status)
  }
  const dead = await countDeadRuns(store)
  if (dead > 0) {
    const explanation = `${dead} runs were killed or failed and may have left files: the next command that writes to the lake removes them`
    findings.push(wholeFinding('lake', 'leftovers', 'info', dead, explanation))
  }
  await using fold = await LedgerFold.read(session, store)
  await using revisions = await Relation.of(session, ['key', 'status', 'size', 'reason', 'rows_rejected'], fold.revisions)
  const objects = await session.rows(
    `SELECT status, count(*) AS n, coalesce(sum(size), 0)::BIGINT AS bytes FROM ${revisions} GROUP BY status ORDER BY status`,
  )
  const quarantine = await session.rows(`SELECT key, reason FROM ${revisions} WHERE status = 'quarantined' ORDER BY key LIMIT ${LISTED}`)
  const [rejected] = await session.rows(`SELECT coalesce(sum(rows_rejected), 0)::BIGINT AS n FROM ${revisions} WHERE status = 'verified'`)
  const runs = await session.rows(`SELECT run, min("at") AS first, max("at") AS last, count(*) FILTER (event = 'verified') AS verified,
    count(*) FILTER (event = 'quarantined') AS quarantined, count(*) FILTER (event = 'decoded') AS decoded
    FROM ${fold.events} GROUP BY run ORDER BY max(coalesce(seq, 0)) DESC, run DESC LIMIT ${LISTED}`)
  return {
    lake: store.url,
    findings,
    tables,
    objects: objects.map((row) => ({ status: String(row['status']), objects: Number(row['n']), bytes: Number(row['bytes']) })),
    quarantine: quarantine.map((row) => ({ key: String(row['key']), reason: String(row['reason']) })),
    rowsQuarantined: Number(rejected?.['n'] ?? 0),
    runs: runs.map((row) => ({
      run: String(row['run']),
      from: String(row['first']),
      to: String(row['last']),
      verified: Number(row['verified']),
      quarantined: Number(row['quarantined']),
      decoded: Number(row['decoded']),
    })),
  }
}

export async function tableStatus(store: ObjectStore, root: string): Promise<TableStatus> {
  const table = await loadTable(store, root)
  const snapshot = table === undefined ? undefined : snapshotOf(table, undefined)
  const status = {
    name: tableName(root),
    rows: 0,
    files: 0,
    bytes: 0,
    snapshotId: snapshot === undefined ? null : shownId(snapshot['snapshot-id']),
    snapshots: table?.metadata.snapshots.length ?? 0,
  }
  if (table === undefined) return { ...status, from: null, to: null }
  const range = timeRange(table)
  for await (const file of liveFiles(table, snapshot)) {
    status.rows += file.rows
    status.files++
    status.bytes += file.bytes
    range.add(file)
  }
  return { ...status, ...range.shown() }
}

/** Collects the first and last instant of the column that partitions a table, from the bounds of its files. */
export function timeRange(table: Table): { add: (file: DataFile) => void; shown: () => { from: string | null; to: string | null } } {
  const field = eventTimeField(table) ?? -1
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  return {
    add: ({ lower, upper }) => {
      first = Math.min(first, Number(lower.get(field) ?? first))
      last = Math.max(last, Number(upper.get(field) ?? last))
    },
    shown: () => ({
      from: Number.isFinite(first) ? formatInstant(first) : null,
      to: Number.isFinite(last) ? formatInstant(last) : null,
    }),
  }
}

/** The id of the instant column that partitions the table, which is its event time. */
function eventTimeField({ shape }: Table): number | undefined {
  return shape.fields.find(({ name, type }) => type === 'timestamptz' && shape.partition.some((part) => part.source === name))?.id
}
