import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { compileSchema, decodeContainer, encodeContainer } from './avro.ts'
import type { ManifestEntry, SnapshotId } from './manifest.ts'
import { type ColumnValue, compareValues, decodeValue, encodeValue, type IcebergType } from './values.ts'

/** One line of a manifest list: a manifest and a summary of its content. `path` is an absolute URL. */
export type ManifestLine = {
  readonly path: string
  readonly bytes: number
  readonly sequence: number
  readonly minSequence: number
  readonly snapshotId: SnapshotId
  /** The partition spec of its files. */
  readonly specId: number
  readonly added: { readonly files: number; readonly rows: number }
  readonly existing: { readonly files: number; readonly rows: number }
  readonly deleted: { readonly files: number; readonly rows: number }
  /** For each field of the spec: the lowest and highest value (undefined if all are null or unknown), and whether some are null. */
  readonly partitions: readonly PartitionSummary[]
}

export type PartitionSummary = {
  readonly lower: ColumnValue | undefined
  readonly upper: ColumnValue | undefined
  readonly containsNull: boolean
}

const field = (name: string, type: unknown, id: number) =>
  Array.isArray(type) ? { name, type, default: null, 'field-id': id } : { name, type, 'field-id': id }

/** The name of the record must be manifest_file, because Iceberg 1.8 does not read any other. */
const schema = compileSchema({
  type: 'record',
  name: 'manifest_file',
  fields: [
    field('manifest_path', 'string', 500),
    field('manifest_length', 'long', 501),
    field('partition_spec_id', 'int', 502),
    field('content', 'int', 517),
    field('sequence_number', 'long', 515),
    field('min_sequence_number', 'long', 516),
    field('added_snapshot_id', 'long', 503),
    field('added_files_count', 'int', 504),
    field('existing_files_count', 'int', 505),
    field('deleted_files_count', 'int', 506),
    field('added_rows_count', 'long', 512),
    field('existing_rows_count', 'long', 513),
    field('deleted_rows_count', 'long', 514),
    field(
      'partitions',
      [
        'null',
        {
          type: 'array',
          'element-id': 508,
          items: {
            type: 'record',
            name: 'r508',
            fields: [
              field('contains_null', 'boolean', 509),
              field('contains_nan', ['null', 'boolean'], 518),
              field('lower_bound', ['null', 'bytes'], 510),
              field('upper_bound', ['null', 'bytes'], 511),
            ],
          },
        },
      ],
      507,
    ),
    field('key_metadata', ['null', 'bytes'], 519),
  ],
})

/** `typesOf` gives the types of a spec's partition values. */
export function encodeManifestList(
  lines: readonly ManifestLine[],
  header: { snapshotId: SnapshotId; parentId: SnapshotId | undefined; sequence: number },
  typesOf: (specId: number) => readonly IcebergType[],
): Buffer {
  const metadata = {
    'snapshot-id': String(header.snapshotId),
    'parent-snapshot-id': header.parentId === undefined ? 'null' : String(header.parentId),
    'sequence-number': String(header.sequence),
    'format-version': '2',
  }
  return encodeContainer(
    schema,
    metadata,
    lines.map((one) => encodeLine(one, typesOf(one.specId))),
  )
}

function encodeLine(line: ManifestLine, types: readonly IcebergType[]): unknown {
  const bound = (value: ColumnValue | undefined, index: number) => (value === undefined ? null : encodeValue(types[index] ?? 'int', value))
  return {
    manifest_path: line.path,
    manifest_length: line.bytes,
    partition_spec_id: line.specId,
    content: 0,
    sequence_number: line.sequence,
    min_sequence_number: line.minSequence,
    added_snapshot_id: line.snapshotId,
    added_files_count: line.added.files,
    existing_files_count: line.existing.files,
    deleted_files_count: line.deleted.files,
    added_rows_count: line.added.rows,
    existing_rows_count: line.existing.rows,
    deleted_rows_count: line.deleted.rows,
    partitions: line.partitions.map(({ lower, upper, containsNull }, index) => ({
      contains_null: containsNull,
      contains_nan: false,
      lower_bound: bound(lower, index),
      upper_bound: bound(upper, index),
    })),
    key_metadata: null,
  }
}

const count = z
  .number()
  .nullish()
  .transform((value) => value ?? 0)

const line = z.object({
  manifest_path: z.string(),
  manifest_length: z.number(),
  partition_spec_id: z.number(),
  content: z.number().optional(),
  sequence_number: z.number().optional(),
  min_sequence_number: z.number().optional(),
  added_snapshot_id: z.union([z.number(), z.bigint()]),
  // Optional in version 1 of the format; 0 where a writer does not count.
  added_files_count: count,
  existing_files_count: count,
  deleted_files_count: count,
  added_rows_count: count,
  existing_rows_count: count,
  deleted_rows_count: count,
  partitions: z
    .array(
      z.object({
        contains_null: z.boolean(),
        lower_bound: z.instanceof(Uint8Array).nullable(),
        upper_bound: z.instanceof(Uint8Array).nullable(),
      }),
    )
    .nullish(),
})

/** Names of older writers (Iceberg Java before 1.4). */
const OLDER = {
  added_files_count: 'added_data_files_count',
  existing_files_count: 'existing_data_files_count',
  deleted_files_count: 'deleted_data_files_count',
}

function withNewNames(record: unknown): unknown {
  const found = { ...(record as Record<string, unknown>) }
  for (const [name, older] of Object.entries(OLDER)) found[name] ??= found[older]
  return found
}

/** The lines of a manifest list. Throws TABLE_CORRUPT, or TABLE_UNSUPPORTED when the table has row-level deletes. */
export function decodeManifestList(bytes: Uint8Array, key: string, typesOf: (specId: number) => readonly IcebergType[]): ManifestLine[] {
  return decodeContainer(bytes, key).map((record) => {
    const parsed = line.safeParse(withNewNames(record))
    if (!parsed.success)
      throw new LakehouseError(
        'TABLE_CORRUPT',
        `manifest list ${key} has a line that is not a manifest: restore the file from a backup with \`restore\``,
        { details: { key }, cause: parsed.error },
      )
    const found = parsed.data
    if ((found.content ?? 0) !== 0)
      throw new LakehouseError(
        'TABLE_UNSUPPORTED',
        `cannot read manifest ${found.manifest_path}: it has row-level deletes; rewrite the table with copy-on-write`,
        { details: { key } },
      )
    const types = typesOf(found.partition_spec_id)
    const bound = (value: Uint8Array | null, index: number) => (value === null ? undefined : decodeValue(types[index] ?? 'int', value))
    return {
      path: found.manifest_path,
      bytes: found.manifest_length,
      sequence: found.sequence_number ?? 0,
      minSequence: found.min_sequence_number ?? 0,
      snapshotId: found.added_snapshot_id,
      specId: found.partition_spec_id,
      added: { files: found.added_files_count, rows: found.added_rows_count },
      existing: { files: found.existing_files_count, rows: found.existing_rows_count },
      deleted: { files: found.deleted_files_count, rows: found.deleted_rows_count },
      partitions: (found.partitions ?? []).map((one, index) => ({
        lower: bound(one.lower_bound, index),
        upper: bound(one.upper_bound, index),
        containsNull: one.contains_null,
      })),
    }
  })
}

/** The line that describes a manifest with these entries. */
export function lineFor(
  path: string,
  bytes: number,
  snapshotId: SnapshotId,
  specId: number,
  sequence: number,
  entries: readonly ManifestEntry[],
): ManifestLine {
  const count = (status: ManifestEntry['status']) => {
    const some = entries.filter((entry) => entry.status === status)
    return { files: some.length, rows: some.reduce((sum, entry) => sum + entry.file.rows, 0) }
  }
  const width = Math.max(0, ...entries.map((entry) => entry.file.partition.length))
  const sequences = entries.flatMap((entry) => (entry.status === 'deleted' ? [] : [entry.status === 'added' ? sequence : entry.sequence]))
  return {
    path,
    bytes,
    sequence,
    minSequence: Math.min(sequence, ...sequences),
    snapshotId,
    specId,
    added: count('added'),
    existing: count('existing'),
    deleted: count('deleted'),
    partitions: Array.from({ length: width }, (_, index) => summarise(entries.map((entry) => entry.file.partition[index] ?? null))),
  }
}

function summarise(values: readonly (ColumnValue | null)[]): PartitionSummary {
  let lower: ColumnValue | undefined
  let upper: ColumnValue | undefined
  for (const value of values) {
    if (value === null) continue
    if (lower === undefined || compareValues(value, lower) < 0) lower = value
    if (upper === undefined || compareValues(value, upper) > 0) upper = value
  }
  return { lower, upper, containsNull: values.includes(null) }
}
