import { LakehouseError } from '../core/errors.ts'
import type { DataFile } from '../lake/iceberg/manifest.ts'
import { planScan, type ScanPlan } from '../lake/iceberg/scan.ts'
import { type AsOf, loadTable, shapeAt, snapshotOf } from '../lake/iceberg/table.ts'
import { tableKey, tableName } from '../lake/layout.ts'
import { ledgerSource } from '../lake/ledger/fold.ts'
import { everyTable } from '../lake/tables/list-tables.ts'
import { scanSql } from '../lake/tables/scan-sql.ts'
import { type DuckDBSession, quoteName } from '../platform/duckdb/session.ts'
import { seriesOf } from '../sources/series.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { type BoundTable, boundTable } from './bound-table.ts'
import { FLAGGED, flaggedSql, unflaggedView } from './flagged.ts'
import { neededParts } from './needed-parts.ts'
import { type Analysis, type TableReference, typedPredicates } from './statement.ts'

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
  requireDistinct(references)
  for (const reference of references) {
    if (reference.layer === 'bronze' && reference.name === 'ledger') bound.push(await bindLedger(session, store))
    else bound.push(await bindTable(session, store, reference, whole ? undefined : columns, asOf))
  }
  return bound
}

/** The engine does not tell names apart that differ only in case. Throws SQL_INVALID. */
function requireDistinct(references: readonly TableReference[]): void {
  const seen = new Map<string, string>()
  for (const { layer, name } of references) {
    const full = `${layer}.${name}`
    const twin = seen.get(full.toLowerCase())
    if (twin !== undefined)
      throw new LakehouseError('SQL_INVALID', `${twin} and ${full} differ only in case: read them in two statements`, {
        details: { table: full },
      })
    seen.set(full.toLowerCase(), full)
  }
}

async function bindTable(
  session: DuckDBSession,
  store: ObjectStore,
  { layer, name, mentions }: TableReference,
  columns: ReadonlySet<string> | undefined,
  asOf: AsOf | undefined,
  view = name,
): Promise<BoundTable> {
  const table = /^\w+$/.test(name) ? await loadTable(store, tableKey(layer, name)) : undefined
  const unflagged = table === undefined && layer === 'silver' && name.endsWith(FLAGGED) ? name.slice(0, -FLAGGED.length) : undefined
  if (unflagged !== undefined) return await bindFlagged(session, store, { layer, name: unflagged, mentions }, asOf)
  if (table === undefined) throw await notFound(store, `${layer}.${name}`)
  const snapshot = snapshotOf(table, asOf)
  // The past is read with the columns of then, the present with those of now.
  const shape = asOf === undefined ? table.shape : shapeAt(table, snapshot)
  const typeOf = (column: string) => shape.fields.find((field) => field.name === column)?.type
  const files = new Map<string, DataFile>()
  let whole: ScanPlan = { files: [], manifestsRead: 0, manifestsSkipped: 0, filesSkipped: 0, skippedBy: { partition: 0, bounds: 0 } }
  const typed = mentions.map((predicates) => typedPredicates(predicates, typeOf))
  for (const predicates of typed) {
    const plan = await planScan(table, snapshot, predicates, shape)
    for (const file of plan.files) files.set(file.path, file)
    const filesSkipped = plan.files.length + plan.filesSkipped - files.size
    whole = { ...plan, files: [...files.values()], filesSkipped, manifestsRead: Math.max(whole.manifestsRead, plan.manifestsRead) }
  }
  const open = columns === undefined || store.capabilities.localFiles ? undefined : neededParts(session, shape, columns, typed)
  await session.run(
    `CREATE OR REPLACE VIEW ${layer}.${quoteName(view)} AS ${await scanSql(session, table, shape, [...files.values()], open)}`,
  )
  const bound = boundTable(`${layer}.${name}`, snapshot, whole)
  return mentions.length === 1 ? bound : { ...bound, skippedBy: null }
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
    await scanSql(session, findings, findings.shape, files),
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
