import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { type AvroSchema, compileSchema, decodeContainer, encodeContainer } from './avro.ts'
import { type IcebergField, partitionFieldName, type TableShape } from './schema.ts'
import { type ColumnValue, decodeValue, encodeValue, lowerBound, upperBound } from './values.ts'

/** A Parquet file of a table, with what is known of its columns (by field id). `path` is an absolute URL. */
export type DataFile = {
  readonly path: string
  readonly partition: number | undefined
  readonly rows: number
  readonly bytes: number
  readonly columnBytes: ReadonlyMap<number, number>
  readonly nulls: ReadonlyMap<number, number>
  readonly lower: ReadonlyMap<number, ColumnValue>
  readonly upper: ReadonlyMap<number, ColumnValue>
}

/** added: by the manifest's own snapshot; existing: carried over; deleted: removed by the manifest's snapshot. */
type EntryStatus = 'existing' | 'added' | 'deleted'

export type ManifestEntry = {
  readonly status: EntryStatus
  readonly snapshotId: number
  readonly sequence: number
  readonly file: DataFile
}

const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted']

const intMap = (name: string, keyId: number, valueId: number, value: 'long' | 'bytes') => ({
  type: 'array',
  logicalType: 'map',
  items: {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [
      { name: 'key', type: 'int', 'field-id': keyId },
      { name: 'value', type: value, 'field-id': valueId },
    ],
  },
  doc: name,
})

const optional = (type: unknown) => ['null', type]

/** The Avro schema of a manifest of a table of this shape, with the field ids that readers go by. */
function manifestSchema(shape: TableShape): AvroSchema {
  const partition =
    shape.partition === undefined
      ? []
      : [{ name: partitionFieldName(shape.partition), type: optional('int'), default: null, 'field-id': 1000 }]
  const field = (name: string, type: unknown, id: number) =>
    Array.isArray(type) ? { name, type, default: null, 'field-id': id } : { name, type, 'field-id': id }
  const dataFile = {
    type: 'record',
    name: 'r2',
    fields: [
      field('content', 'int', 134),
      field('file_path', 'string', 100),
      field('file_format', 'string', 101),
      field('partition', { type: 'record', name: 'r102', fields: partition }, 102),
      field('record_count', 'long', 103),
      field('file_size_in_bytes', 'long', 104),
      field('column_sizes', optional(intMap('bytes per column', 117, 118, 'long')), 108),
      field('value_counts', optional(intMap('values per column', 119, 120, 'long')), 109),
      field('null_value_counts', optional(intMap('nulls per column', 121, 122, 'long')), 110),
      field('nan_value_counts', optional(intMap('NaN per column', 138, 139, 'long')), 137),
      field('lower_bounds', optional(intMap('lower bounds', 126, 127, 'bytes')), 125),
      field('upper_bounds', optional(intMap('upper bounds', 129, 130, 'bytes')), 128),
      field('key_metadata', optional('bytes'), 131),
      field('split_offsets', optional({ type: 'array', items: 'long', 'element-id': 133 }), 132),
      field('equality_ids', optional({ type: 'array', items: 'int', 'element-id': 136 }), 135),
      field('sort_order_id', optional('int'), 140),
    ],
  }
  return compileSchema({
    type: 'record',
    name: 'manifest_entry',
    fields: [
      field('status', 'int', 0),
      field('snapshot_id', optional('long'), 1),
      field('sequence_number', optional('long'), 3),
      field('file_sequence_number', optional('long'), 4),
      field('data_file', dataFile, 2),
    ],
  })
}

/** The bytes of a manifest. Entries added by this very snapshot leave their sequence number to be inherited from the list. */
export function encodeManifest(shape: TableShape, schemaJson: string, specJson: string, entries: readonly ManifestEntry[]): Buffer {
  const metadata = {
    schema: schemaJson,
    'schema-id': '0',
    'partition-spec': specJson,
    'partition-spec-id': '0',
    'format-version': '2',
    content: 'data',
  }
  return encodeContainer(
    manifestSchema(shape),
    metadata,
    entries.map((entry) => encodeEntry(shape, entry)),
  )
}

function encodeEntry(shape: TableShape, { status, snapshotId, sequence, file }: ManifestEntry): unknown {
  const inherited = status === 'added'
  const pairs = <V>(map: ReadonlyMap<number, V>) => [...map].sort(([a], [b]) => a - b).map(([key, value]) => ({ key, value }))
  const bounds = (map: ReadonlyMap<number, ColumnValue>, side: typeof lowerBound) =>
    pairs(map).map(({ key, value }) => ({ key, value: encodeBound(shape.fields, key, value, side) }))
  const allRows = new Map(shape.fields.map((field) => [field.id, file.rows]))
  const doubles = new Map(shape.fields.filter((field) => field.type === 'double').map((field) => [field.id, 0]))
  return {
    status: STATUSES.indexOf(status),
    snapshot_id: snapshotId,
    sequence_number: inherited ? null : sequence,
    file_sequence_number: inherited ? null : sequence,
    data_file: {
      content: 0,
      file_path: file.path,
      file_format: 'PARQUET',
      partition: shape.partition === undefined ? {} : { [partitionFieldName(shape.partition)]: file.partition ?? null },
      record_count: file.rows,
      file_size_in_bytes: file.bytes,
      column_sizes: pairs(file.columnBytes),
      value_counts: pairs(allRows),
      null_value_counts: pairs(file.nulls),
      nan_value_counts: pairs(doubles),
      lower_bounds: bounds(file.lower, lowerBound),
      upper_bounds: bounds(file.upper, upperBound),
      key_metadata: null,
      split_offsets: null,
      equality_ids: null,
      sort_order_id: shape.sort.length === 0 ? 0 : 1,
    },
  }
}

function encodeBound(fields: readonly IcebergField[], id: number, value: ColumnValue, side: typeof lowerBound): Buffer {
  const type = fieldOf(fields, id).type
  return encodeValue(type, side(type, value))
}

function fieldOf(fields: readonly IcebergField[], id: number): IcebergField {
  const field = fields.find((candidate) => candidate.id === id)
  if (field === undefined) throw new LakehouseError('INTERNAL', `no field has the id ${id}`)
  return field
}

const intPairs = <V extends z.ZodType>(value: V) => z.array(z.object({ key: z.number(), value })).nullable()
const entryRecord = z.object({
  status: z.number().int().min(0).max(2),
  snapshot_id: z.number().nullable(),
  sequence_number: z.number().nullable(),
  data_file: z.object({
    content: z.literal(0),
    file_path: z.string(),
    file_format: z.string(),
    partition: z.looseObject({}),
    record_count: z.number(),
    file_size_in_bytes: z.number(),
    column_sizes: intPairs(z.number()).optional(),
    null_value_counts: intPairs(z.number()).optional(),
    lower_bounds: intPairs(z.instanceof(Uint8Array)).optional(),
    upper_bounds: intPairs(z.instanceof(Uint8Array)).optional(),
  }),
})

/** The entries of a manifest; what its entries leave open is inherited from the list's line. Throws TABLE_CORRUPT, TABLE_UNSUPPORTED. */
export function decodeManifest(
  shape: TableShape,
  bytes: Uint8Array,
  key: string,
  inherit: { snapshotId: number; sequence: number },
): ManifestEntry[] {
  return decodeContainer(bytes, key).records.map((record) => {
    const parsed = entryRecord.safeParse(record)
    if (!parsed.success)
      throw new LakehouseError('TABLE_CORRUPT', `${key} holds an entry that is no data file`, { details: { key }, cause: parsed.error })
    const { data_file: file, status, snapshot_id: snapshotId, sequence_number: sequence } = parsed.data
    if (file.file_format.toUpperCase() !== 'PARQUET')
      throw new LakehouseError('TABLE_UNSUPPORTED', `${file.file_path} is ${file.file_format}, not Parquet`, { details: { key } })
    return {
      status: STATUSES[status] ?? 'existing',
      snapshotId: snapshotId ?? inherit.snapshotId,
      sequence: sequence ?? inherit.sequence,
      file: decodeFile(shape, file),
    }
  })
}

function decodeFile(shape: TableShape, file: z.infer<typeof entryRecord>['data_file']): DataFile {
  const partition = shape.partition === undefined ? undefined : file.partition[partitionFieldName(shape.partition)]
  const map = <V>(pairs: { key: number; value: V }[] | null | undefined) => new Map((pairs ?? []).map(({ key, value }) => [key, value]))
  const bounds = (pairs: { key: number; value: Uint8Array }[] | null | undefined) => {
    return new Map((pairs ?? []).map(({ key, value }) => [key, decodeValue(fieldOf(shape.fields, key).type, value)]))
  }
  return {
    path: file.file_path,
    partition: typeof partition === 'number' ? partition : undefined,
    rows: file.record_count,
    bytes: file.file_size_in_bytes,
    columnBytes: map(file.column_sizes),
    nulls: map(file.null_value_counts),
    lower: bounds(file.lower_bounds),
    upper: bounds(file.upper_bounds),
  }
}
