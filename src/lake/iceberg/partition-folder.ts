import { formatInstant } from '../../core/time.ts'
import { type PartitionField, periodRange } from './schema.ts'
import type { Transform } from './transform.ts'
import type { ColumnValue } from './values.ts'

/** A readable partition value: 2024 for years, 2024-01 for months, 2024-01-02 for days, 2024-01-02T03 for hours, else the value itself. */
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
 * The folder of the files of a partition, one part per field: open_time_month=2024-01, table_name=a%2Fb/period=648; empty for a table without partitions.
 * The folder is only for people: the manifest gives the partition of a file, and the name alone identifies the file, in any folder.
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

/** The name of the file at a path or URL. It identifies the file, in any folder. */
export function fileNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
