import { seriesOf } from '../core/datasets/registry.ts'
import { LakehouseError } from '../core/errors.ts'
import { formatInstant } from '../core/time.ts'
import type { DataFile } from '../lake/iceberg/manifest.ts'
import { shownId } from '../lake/iceberg/metadata.ts'
import { planScan, type ScanPlan } from '../lake/iceberg/scan.ts'
import { type AsOf, loadTable, shapeAt, snapshotOf } from '../lake/iceberg/table.ts'
import { tableKey, tableName } from '../lake/layout.ts'
import { ledgerSource } from '../lake/ledger/fold.ts'
import { scanSql } from '../lake/scan-sql.ts'
import { everyTable } from '../lake/tables.ts'
import { type DuckDBSession, quoteName } from '../platform/duckdb/session.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { FLAGGED, flaggedSql, unflaggedView } from './flagged.ts'
import { neededParts } from './needed-parts.ts'
import { type Analysis, type TableReference, typedPredicates } from './statement.ts'

/** How a table takes part in a query: which snapshot, and what of it is opened. */
export type BoundTable = {
  readonly table: string
  readonly snapshotId: number | string | null
  readonly snapshotTime: string | null
  readonly filesRead: number
  readonly filesSkipped: number
  /** Why: by their partition, by the bounds of their columns; null where the table is mentioned more than once, each time under other conditions. */
  readonly skippedBy: ScanPlan['skippedBy'] | null
  readonly bytesRead: number
  readonly manifestsRead: number
  readonly manifestsSkipped: number
}

/**
 * Makes a view of each table over exactly those files of its snapshot that the query's conditions leave; where files are copies, of those parts alone that the query needs
 * unless `whole`. Throws TABLE_NOT_FOUND, SNAPSHOT_NOT_FOUND.
 */
export async function bindTables(
  session: DuckDBSession,
  store: ObjectStore,
  { references, columns }: Analysis,
  { asOf, whole }: { asOf: AsOf | undefined; whole: boolean },
): Promise<BoundTable[]> {
  const bound: BoundTable[] = []
  for (const reference of references) {
    if (reference.layer === 'bronze' && reference.name === 'ledger') bound.push(await bindLedger(session, store))
    else bound.push(await bindTable(session, store, reference, whole ? undefined : columns, asOf))
  }
  return bound
}

async function bindTable(
  session: DuckDBSession,
  store: ObjectStore,
  { layer, name, mentions }: TableReference,
  columns: ReadonlySet<string> | undefined,
  asOf: AsOf | undefined,
  view = name,
): Promise<BoundTable> {
  const table = await loadTable(store, tableKey(layer, name))
  const unflagged = table === undefined && layer === 'silver' && name.endsWith(FLAGGED) ? name.slice(0, -FLAGGED.length) : undefined
  if (unflagged !== undefined) return await bindFlagged(session, store, { layer, name: unflagged, mentions }, asOf)
  if (table === undefined) throw await notFound(store, `${layer}.${name}`)
  const snapshot = snapshotOf(table, asOf)
  // The past is read with the columns of then, the present with those of now.
  const shape = asOf === undefined ? table.shape : shapeAt(table, snapshot)
  const typeOf = (column: string) => shape.fields.find((field) => field.name === column)?.type
  const files = new Map<string, DataFile>()
  let manifests = { read: 0, skipped: 0 }
  let total = 0
  let skippedBy: ScanPlan['skippedBy'] | null = null
  const typed = mentions.map((predicates) => typedPredicates(predicates, typeOf))
  for (const predicates of typed) {
    const plan = await planScan(table, snapshot, predicates, shape)
    for (const file of plan.files) files.set(file.path, file)
    manifests = { read: Math.max(manifests.read, plan.manifestsRead), skipped: plan.manifestsSkipped }
    total = plan.files.length + plan.filesSkipped
    skippedBy = mentions.length === 1 ? plan.skippedBy : null
  }
  const open = columns === undefined || store.capabilities.localFiles ? undefined : neededParts(session, shape, columns, typed)
  await session.run(`CREATE OR REPLACE VIEW ${layer}.${quoteName(view)} AS ${await scanSql(table, shape, [...files.values()], open)}`)
  return {
    table: `${layer}.${name}`,
    snapshotId: snapshot === undefined ? null : shownId(snapshot['snapshot-id']),
    snapshotTime: snapshot === undefined ? null : formatInstant(snapshot['timestamp-ms'] * 1000),
    filesRead: files.size,
    filesSkipped: total - files.size,
    skippedBy,
    bytesRead: [...files.values()].reduce((sum, file) => sum + file.bytes, 0),
    manifestsRead: manifests.read,
    manifestsSkipped: manifests.skipped,
  }
}

/** The table, and what the findings of today say of its rows. */
async function bindFlagged(
  session: DuckDBSession,
  store: ObjectStore,
  reference: TableReference,
  asOf: AsOf | undefined,
): Promise<BoundTable> {
  const { name } = reference
  const series = seriesOf(name)
  if (series === undefined) throw await notFound(store, `silver.${name}${FLAGGED}`)
  const view = unflaggedView(`${name}${FLAGGED}`)
  const bound = await bindTable(session, store, reference, undefined, asOf, view)
  const findings = await loadTable(store, tableKey('silver', 'findings'))
  if (findings === undefined)
    throw new LakehouseError(
      'TABLE_NOT_FOUND',
      `nothing is known of the rows of silver.${name} yet: crypto-lakehouse quality silver.${name}`,
      {
        details: { table: `silver.${name}${FLAGGED}` },
      },
    )
  const { files } = await planScan(findings, snapshotOf(findings, undefined), [{ column: 'table_name', op: '=', value: `silver.${name}` }])
  const sql = flaggedSql(
    series,
    `silver.${name}`,
    `SELECT * FROM silver.${quoteName(view)}`,
    await scanSql(findings, findings.shape, files),
  )
  await session.run(`CREATE OR REPLACE VIEW silver.${quoteName(`${name}${FLAGGED}`)} AS ${sql}`)
  return { ...bound, table: `silver.${name}${FLAGGED}` }
}

/** Every event of the ledger, read from its segments: the one table that knows when and by which run. */
async function bindLedger(session: DuckDBSession, store: ObjectStore): Promise<BoundTable> {
  await session.run(
    `CREATE OR REPLACE VIEW bronze.ledger AS SELECT * REPLACE ("at"::TIMESTAMPTZ AS "at") FROM (${await ledgerSource(store)})`,
  )
  return {
    table: 'bronze.ledger',
    snapshotId: null,
    snapshotTime: null,
    filesRead: 0,
    filesSkipped: 0,
    skippedBy: null,
    bytesRead: 0,
    manifestsRead: 0,
    manifestsSkipped: 0,
  }
}

async function notFound(store: ObjectStore, name: string): Promise<LakehouseError> {
  const names = (await everyTable(store)).map(tableName)
  const known = names.length === 0 ? 'the lake is empty' : `there are ${names.join(', ')}`
  return new LakehouseError('TABLE_NOT_FOUND', `the lake has no table ${name}: ${known}`, { details: { table: name } })
}
