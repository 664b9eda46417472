import type { TableColumn } from '../../core/datasets/registry.ts'

/** Iceberg's names of the column types that our tables use. */
export type IcebergType = 'boolean' | 'long' | 'double' | 'string' | 'timestamptz'

export type IcebergField = { id: number; name: string; required: boolean; type: IcebergType; doc?: string | undefined }

export type PartitionTransform = 'month' | 'year'

/** What a table is made of: its fields (ids 1, 2, …), how it is cut, how each file is sorted. */
export type TableShape = {
  readonly fields: readonly IcebergField[]
  readonly partition: { readonly source: string; readonly transform: PartitionTransform } | undefined
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

/** The name of the partition field, as other Iceberg writers would call it. */
export function partitionFieldName(partition: NonNullable<TableShape['partition']>): string {
  return `${partition.source}_${partition.transform}`
}

/** The partition value of an instant: months or years since 1970, rounded down. */
export function partitionValue(transform: PartitionTransform, us: number): number {
  const date = new Date(Math.floor(us / 1000))
  const years = date.getUTCFullYear() - 1970
  return transform === 'year' ? years : years * 12 + date.getUTCMonth()
}

/** The half-open range of instants that a partition value stands for. */
export function partitionRange(transform: PartitionTransform, value: number): { start: number; end: number } {
  const at = (n: number) => (transform === 'year' ? Date.UTC(1970 + n, 0) : Date.UTC(1970, n)) * 1000
  return { start: at(value), end: at(value + 1) }
}

/** Folder name of a partition, in the way of Hive: open_time_month=2024-01. */
export function partitionFolder(partition: NonNullable<TableShape['partition']>, value: number): string {
  const day = new Date(partitionRange(partition.transform, value).start / 1000).toISOString()
  return `${partitionFieldName(partition)}=${day.slice(0, partition.transform === 'year' ? 4 : 7)}`
}

/** The options that make DuckDB write the field ids into a Parquet file. */
export function fieldIdsOption(fields: readonly IcebergField[]): string {
  return `{${fields.map((field) => `"${field.name}": ${field.id}`).join(', ')}}`
}
