import type { TableColumn } from '../../datasets/contract.ts'
import type { PeriodTransform, Transform } from './transform.ts'
import type { IcebergType } from './values.ts'

export type IcebergField = { id: number; name: string; required: boolean; type: IcebergType; doc?: string | undefined }

/** One partition field of a table: the source column, the transform, and the name and id of the result. */
export type PartitionField = { readonly source: string; readonly transform: Transform; readonly name: string; readonly fieldId: number }

/** The shape of a table: its fields, its partitions, and the sort order of each file (ascending). */
export type TableShape = {
  readonly fields: readonly IcebergField[]
  readonly partition: readonly PartitionField[]
  readonly sort: readonly string[]
}

const TYPES = { instant: 'timestamptz', double: 'double', long: 'long', string: 'string', boolean: 'boolean' } as const satisfies Record<
  TableColumn['type'],
  IcebergType
>

/** The fields of the columns, numbered in order from 1. */
export function fieldsOf(columns: readonly TableColumn[]): IcebergField[] {
  return columns.map((column, index) => ({ id: index + 1, name: column.name, required: false, type: TYPES[column.type], doc: column.doc }))
}

/** Ids of partition fields begin here. */
export const FIRST_PARTITION_ID = 1000

/** A partition field with the name that other Iceberg writers would give it. */
export function partitionField(source: string, transform: Transform, fieldId: number = FIRST_PARTITION_ID): PartitionField {
  const name = transform === 'identity' ? source : `${source}_${transform.replace(/\[\d+\]$/, '').replace('truncate', 'trunc')}`
  return { source, transform, name, fieldId }
}

/** The partition field of a table that is partitioned by days, months or years of one column. */
export function byPeriod(source: string, transform: PeriodTransform): readonly PartitionField[] {
  return [partitionField(source, transform)]
}

/** The half-open range of instants of a partition value. */
export function periodRange(transform: PeriodTransform, value: number): { start: number; end: number } {
  const at = (n: number) =>
    (transform === 'year' ? Date.UTC(1970 + n, 0) : transform === 'month' ? Date.UTC(1970, n) : n * 86_400_000) * 1000
  return { start: at(value), end: at(value + 1) }
}

/** How many characters of YYYY-MM-DD name a period. */
export const PERIOD_WIDTHS = { year: 4, month: 7, day: 10 } as const satisfies Record<PeriodTransform, number>

/** The options that make DuckDB write the field ids into a Parquet file. */
export function fieldIdsOption(fields: readonly IcebergField[]): string {
  return `{${fields.map((field) => `"${field.name.replaceAll('"', '""')}": ${field.id}`).join(', ')}}`
}
