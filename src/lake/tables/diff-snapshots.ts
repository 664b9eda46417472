import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quoteName } from '../../platform/duckdb/session.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import type { Snapshot } from '../iceberg/metadata.ts'
import { liveFiles, shapeAt, type Table } from '../iceberg/table.ts'
import { scanSql } from './scan-sql.ts'

export type SnapshotDiff = {
  readonly rowsAdded: number
  readonly rowsRemoved: number
  /** Rows with the same key in both snapshots and different values; null for a table without a sort order, which does not have a key. */
  readonly rowsChanged: number | null
  readonly filesAdded: number
  readonly filesRemoved: number
}

export type ChangedRow = { readonly change: 'added' | 'removed' | 'changed'; readonly row: Record<string, unknown> }

/**
 * Rows that differ between two snapshots of a table; only files that the two do not share are read. In a sorted table, rows with equal sort columns are the
 * same row with changed values. `limit` bounds the returned rows, not the counts.
 */
export async function diffSnapshots(
  session: DuckDBSession,
  table: Table,
  from: Snapshot | undefined,
  to: Snapshot | undefined,
  limit: number,
): Promise<{ diff: SnapshotDiff; rows: ChangedRow[] }> {
  const [before, after] = [await filesOf(table, from), await filesOf(table, to)]
  const gone = [...before.values()].filter((file) => !after.has(file.path))
  const come = [...after.values()].filter((file) => !before.has(file.path))
  const shape = shapeAt(table, to)
  const key = shape.sort.map(quoteName)
  const names = shape.fields.map(({ name }) => name)
  const [was, is] = [await scanSql(session, table, shape, gone), await scanSql(session, table, shape, come)]
  await using onlyBefore = await Relation.of(session, names, `(${was}) EXCEPT ALL (${is})`)
  await using onlyAfter = await Relation.of(session, names, `(${is}) EXCEPT ALL (${was})`)
  const same = key.map((name) => `b.${name} IS NOT DISTINCT FROM a.${name}`).join(' AND ') || 'false'
  const change = `CASE WHEN EXISTS (FROM ${onlyBefore} b WHERE ${same}) THEN 'changed' ELSE 'added' END`
  const changes = `SELECT ${change} AS change, a.* FROM ${onlyAfter} a
    UNION ALL SELECT 'removed', b.* FROM ${onlyBefore} b WHERE NOT EXISTS (FROM ${onlyAfter} a WHERE ${same})`
  await using changed = await Relation.from(session, changes)
  const counts = await session.rows(`SELECT change, count(*) AS n FROM ${changed} GROUP BY change`)
  const count = (name: string) => Number(counts.find((row) => row['change'] === name)?.['n'] ?? 0)
  const order = ['change', ...key].join(', ')
  const shown = await session.jsonRows(`SELECT * FROM ${changed} ORDER BY ${order} LIMIT ${limit}`)
  return {
    diff: {
      rowsAdded: count('added'),
      rowsRemoved: count('removed'),
      rowsChanged: key.length === 0 ? null : count('changed'),
      filesAdded: come.length,
      filesRemoved: gone.length,
    },
    rows: shown.map(({ change: kind, ...row }) => ({ change: kind as ChangedRow['change'], row })),
  }
}

async function filesOf(table: Table, snapshot: Snapshot | undefined): Promise<Map<string, DataFile>> {
  const files = new Map<string, DataFile>()
  for await (const file of liveFiles(table, snapshot)) files.set(file.path, file)
  return files
}
