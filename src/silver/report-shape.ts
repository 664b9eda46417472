import { partitionField, type TableShape } from '../lake/iceberg/schema.ts'
import type { IcebergType } from '../lake/iceberg/values.ts'

/** The shape of a table that tells of other tables: the first column names the table that is told of, and each has a partition of its own, which can be replaced. */
export function reportShape(columns: Readonly<Record<string, IcebergType>>, sort: readonly string[]): TableShape {
  const all = Object.entries({ table_name: 'string' as const, ...columns })
  return {
    fields: all.map(([name, type], index) => ({ id: index + 1, name, required: false, type })),
    partition: [partitionField('table_name', 'identity')],
    sort,
  }
}
