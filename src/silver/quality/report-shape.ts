import { partitionField, type TableShape } from '../../lake/iceberg/schema.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import type { IcebergType } from '../../lake/iceberg/values.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { deletePartitions, writeRows } from '../../lake/tables/write-rows.ts'

/** The shape of a table about other tables. Its first column names the described table, and each described table has its own partition, which can be replaced. */
export function reportShape(columns: Readonly<Record<string, IcebergType>>, sort: readonly string[]): TableShape {
  const all = Object.entries({ table_name: 'string' as const, ...columns })
  return {
    fields: all.map(([name, type], index) => ({ id: index + 1, name, required: false, type })),
    partition: [partitionField('table_name', 'identity')],
    sort,
  }
}

/** Replaces the rows about `subject` in the silver table `name`. */
export async function replaceRows(lake: Lake, name: string, subject: string, shape: TableShape, sql: string): Promise<void> {
  const root = tableKey('silver', name)
  const { rows } = await writeRows(lake, root, sql, { mode: 'overwrite', shape })
  if (rows === 0 && (await loadTable(lake.store, root)) !== undefined)
    await deletePartitions(lake, root, (file) => file.partition[0] === subject)
}
