import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { compileSchema, decodeContainer, encodeContainer } from './avro.ts'
import type { ManifestEntry } from './manifest.ts'
import { encodeValue } from './values.ts'

/** One line of a manifest list: a manifest and what it holds. `path` is an absolute URL. */
export type ManifestLine = {
  readonly path: string
  readonly bytes: number
  readonly sequence: number
  readonly minSequence: number
  readonly snapshotId: number
  readonly added: { readonly files: number; readonly rows: number }
  readonly existing: { readonly files: number; readonly rows: number }
  readonly deleted: { readonly files: number; readonly rows: number }
  /** Lowest and highest partition value, or undefined for an unpartitioned table. */
  readonly partitions: { readonly lower: number; readonly upper: number } | undefined
}

const field = (name: string, type: unknown, id: number) =>
  Array.isArray(type) ? { name, type, default: null, 'field-id': id } : { name, type, 'field-id': id }

/** The record must be called manifest_file: Iceberg 1.8 reads no other. */
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

export function encodeManifestList(
  lines: readonly ManifestLine[],
  header: { snapshotId: number; parentId: number | undefined; sequence: number },
): Buffer {
  const metadata = {
    'snapshot-id': String(header.snapshotId),
    'parent-snapshot-id': header.parentId === undefined ? 'null' : String(header.parentId),
    'sequence-number': String(header.sequence),
    'format-version': '2',
  }
  return encodeContainer(schema, metadata, lines.map(encodeLine))
}

function encodeLine(line: ManifestLine): unknown {
  return {
    manifest_path: line.path,
    manifest_length: line.bytes,
    partition_spec_id: 0,
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
    partitions:
      line.partitions === undefined
        ? []
        : [
            {
              contains_null: false,
              contains_nan: false,
              lower_bound: intBound(line.partitions.lower),
              upper_bound: intBound(line.partitions.upper),
            },
          ],
    key_metadata: null,
  }
}

/** Partition values of month and year are 4-byte integers. */
function intBound(value: number): Buffer {
  return encodeValue('long', value).subarray(0, 4)
}

const line = z.object({
  manifest_path: z.string(),
  manifest_length: z.number(),
  content: z.number(),
  sequence_number: z.number(),
  min_sequence_number: z.number(),
  added_snapshot_id: z.number(),
  added_files_count: z.number(),
  existing_files_count: z.number(),
  deleted_files_count: z.number(),
  added_rows_count: z.number(),
  existing_rows_count: z.number(),
  deleted_rows_count: z.number(),
  partitions: z
    .array(z.object({ lower_bound: z.instanceof(Uint8Array).nullable(), upper_bound: z.instanceof(Uint8Array).nullable() }))
    .nullable(),
})

/** The lines of a manifest list. Throws TABLE_CORRUPT, or TABLE_UNSUPPORTED when the table has row-level deletes. */
export function decodeManifestList(bytes: Uint8Array, key: string): ManifestLine[] {
  return decodeContainer(bytes, key).records.map((record) => {
    const parsed = line.safeParse(record)
    if (!parsed.success)
      throw new LakehouseError('TABLE_CORRUPT', `${key} holds a line that is no manifest`, { details: { key }, cause: parsed.error })
    const found = parsed.data
    if (found.content !== 0)
      throw new LakehouseError('TABLE_UNSUPPORTED', `${found.manifest_path} holds row-level deletes`, { details: { key } })
    const partition = found.partitions?.[0]
    const lower = partition?.lower_bound ?? undefined
    const upper = partition?.upper_bound ?? undefined
    return {
      path: found.manifest_path,
      bytes: found.manifest_length,
      sequence: found.sequence_number,
      minSequence: found.min_sequence_number,
      snapshotId: found.added_snapshot_id,
      added: { files: found.added_files_count, rows: found.added_rows_count },
      existing: { files: found.existing_files_count, rows: found.existing_rows_count },
      deleted: { files: found.deleted_files_count, rows: found.deleted_rows_count },
      partitions:
        lower === undefined || upper === undefined
          ? undefined
          : { lower: Buffer.from(lower).readInt32LE(), upper: Buffer.from(upper).readInt32LE() },
    }
  })
}

/** The line that describes a manifest with these entries. */
export function lineFor(
  path: string,
  bytes: number,
  snapshotId: number,
  sequence: number,
  entries: readonly ManifestEntry[],
): ManifestLine {
  const count = (status: ManifestEntry['status']) => {
    const some = entries.filter((entry) => entry.status === status)
    return { files: some.length, rows: some.reduce((sum, entry) => sum + entry.file.rows, 0) }
  }
  const values = entries.flatMap((entry) => (entry.file.partition === undefined ? [] : [entry.file.partition]))
  const sequences = entries.flatMap((entry) => (entry.status === 'deleted' ? [] : [entry.status === 'added' ? sequence : entry.sequence]))
  return {
    path,
    bytes,
    sequence,
    minSequence: Math.min(sequence, ...sequences),
    snapshotId,
    added: count('added'),
    existing: count('existing'),
    deleted: count('deleted'),
    partitions: values.length === 0 ? undefined : { lower: Math.min(...values), upper: Math.max(...values) },
  }
}
