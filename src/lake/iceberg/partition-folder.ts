import { formatInstant } from '../../core/time.ts'
import { type PartitionField, periodRange } from './schema.ts'
import type { Transform } from './transform.ts'
import type { ColumnValue } from './values.ts'

/** What people call a partition value: 2024 of years, 2024-01 of months, 2024-01-02 of days, 2024-01-02T03 of hours, of others the value itself. */
export function shownValue(transform: Transform, value: ColumnValue | null): string {
  if (value === null) return 'null'
  const startOf = (us: number, width: number) => formatInstant(us).slice(0, width)
  if (transform === 'year') return startOf(periodRange(transform, Number(value)).start, 4)
  if (transform === 'month') return startOf(periodRange(transform, Number(value)).start, 7)
  if (transform === 'day') return startOf(periodRange(transform, Number(value)).start, 10)
  if (transform === 'hour') return startOf(Number(value) * 3_600_000_000, 13)
  return String(value)
}

/**
 * The folder of a partition's files within a table's data, a part a field: open_time_month=2024-01, table_name=a%2Fb/period=648; empty for a table that is not cut. It is for people: what a
 * file belongs to, its manifest says, and which file it is, its name alone says, so that a file stays the same wherever it lies.
 */
function partitionFolder(fields: readonly PartitionField[], values: readonly (ColumnValue | null)[]): string {
  return fields
    .map(({ name, transform }, index) => `${encodeURIComponent(name)}=${encodeURIComponent(shownValue(transform, values[index] ?? null))}`)
    .join('/')
}

/** The key of a data file of a table. */
export function dataFileKey(
  root: string,
  fields: readonly PartitionField[],
  values: readonly (ColumnValue | null)[],
  name: string,
): string {
  return [root, 'data', partitionFolder(fields, values), name].filter((part) => part !== '').join('/')
}

/** The name of the file at a path or URL: which file it is, whatever folder it lies in. */
export function fileNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
