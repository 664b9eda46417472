import { type DuckDBSession, quoteName } from '../../platform/duckdb/session.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import type { Snapshot } from '../iceberg/metadata.ts'
import { liveFiles, shapeAt, type Table } from '../iceberg/table.ts'
import { scanSql } from './scan-sql.ts'

export type SnapshotDiff = {
  readonly rowsAdded: number
  readonly rowsRemoved: number
  /** Rows whose key is in both and whose values differ; null for a table without a sort order, which has no key. */
  readonly rowsChanged: number | null
  readonly filesAdded: number
  readonly filesRemoved: number
}

export type ChangedRow = { readonly change: 'added' | 'removed' | 'changed'; readonly row: Record<string, unknown> }

/**
 * Rows that a table has at one snapshot and not at another, from those files only that the two do not share. Where the table is sorted, rows with the same values of its sort columns
 * are the same row with other values. `limit` bounds the rows that are returned, not those that are counted.
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
  await session.run(`CREATE OR REPLACE TEMP VIEW rows_before AS ${await scanSql(session, table, shape, gone)}`)
  await session.run(`CREATE OR REPLACE TEMP VIEW rows_after AS ${await scanSql(session, table, shape, come)}`)
  await session.run('CREATE OR REPLACE TEMP TABLE only_before AS FROM rows_before EXCEPT ALL FROM rows_after')
  await session.run('CREATE OR REPLACE TEMP TABLE only_after AS FROM rows_after EXCEPT ALL FROM rows_before')
  const same = key.map((name) => `b.${name} IS NOT DISTINCT FROM a.${name}`).join(' AND ') || 'false'
  const change = `CASE WHEN EXISTS (FROM only_before b WHERE ${same}) THEN 'changed' ELSE 'added' END`
  await session.run(`CREATE OR REPLACE TEMP TABLE changed_rows AS
    SELECT ${change} AS change, a.* FROM only_after a
    UNION ALL SELECT 'removed', b.* FROM only_before b WHERE NOT EXISTS (FROM only_after a WHERE ${same})`)
  const counts = await session.rows('SELECT change, count(*) AS n FROM changed_rows GROUP BY change')
  const count = (name: string) => Number(counts.find((row) => row['change'] === name)?.['n'] ?? 0)
  const order = ['change', ...key].join(', ')
  const shown = await session.jsonRows(`SELECT * FROM changed_rows ORDER BY ${order} LIMIT ${limit}`)
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
