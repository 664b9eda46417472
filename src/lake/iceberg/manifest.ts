import { LakehouseError } from '../../core/errors.ts'
import { type AvroSchema, compileSchema, encodeContainer } from './avro.ts'
import { type AvroCursor, type RecordSchema, readContainer, reader, recordReader } from './avro-reader.ts'
import type { IcebergField, PartitionField, TableShape } from './schema.ts'
import { resultType } from './transform.ts'
import { type ColumnValue, decodeValue, encodeValue, type IcebergType, isFloating, lowerBound, upperBound } from './values.ts'

/** A number if it is exact, else a bigint: ids of other writers may be larger than 2^53. */
export type SnapshotId = number | bigint

/** A Parquet file of a table, with statistics of its columns (by field id). `path` is an absolute URL. */
export type DataFile = {
  readonly path: string
  /** Its partition spec, and its value for each field of that spec. */
  readonly specId: number
  readonly partition: readonly (ColumnValue | null)[]
  readonly rows: number
  readonly bytes: number
  readonly columnBytes: ReadonlyMap<number, number>
  readonly nulls: ReadonlyMap<number, number>
  readonly lower: ReadonlyMap<number, ColumnValue>
  readonly upper: ReadonlyMap<number, ColumnValue>
  /** NaN counts of floating-point columns, or undefined if they were not counted. */
  readonly nans: ReadonlyMap<number, number> | undefined
  /** Whether its rows are in the sort order of the table. */
  readonly sorted: boolean
  /** The SHA-256 of its bytes, or undefined when its writer did not record it. */
  readonly sha256?: string | undefined
}

/** added: by the manifest's own snapshot; existing: carried over; deleted: removed by the manifest's snapshot. */
type EntryStatus = 'existing' | 'added' | 'deleted'

export type ManifestEntry = {
  readonly status: EntryStatus
  readonly snapshotId: SnapshotId
  readonly sequence: number
  readonly file: DataFile
}

/** What the files of a manifest have in common: the fields of their schema, and their partition spec. */
export type ManifestShape = {
  readonly fields: readonly IcebergField[]
  readonly specId: number
  readonly partition: readonly PartitionField[]
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

/** The field for the SHA-256 of a data file. */
const DIGEST = 'lakehouse_sha256'

const optional = (type: unknown) => ['null', type]

/** The Avro type of a partition field. */
function avroType(type: IcebergType, name: string): unknown {
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'timestamp':
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': type === 'timestamptz' }
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return type
  }
  const [precision, scale] = [...type.matchAll(/\d+/g)].map(([digits]) => Number(digits))
  let size = 1
  while (2n ** BigInt(8 * size - 1) <= 10n ** BigInt(precision ?? 1)) size++
  return { type: 'fixed', name: `decimal_${name}`, size, logicalType: 'decimal', precision, scale }
}

/** Partition field names that are not valid in Avro are written as Iceberg does: each invalid character becomes _xHH. */
function avroName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, (letter) => `_x${letter.charCodeAt(0).toString(16).toUpperCase()}`).replace(/^(\d)/, '_$1')
}

/** The types of the values of a spec. Throws TABLE_CORRUPT for a source that is not a column. */
export function partitionTypes({ fields, partition }: Pick<ManifestShape, 'fields' | 'partition'>): IcebergType[] {
  return partition.map(({ source, transform }) => {
    const type = fields.find((field) => field.name === source)?.type
    // The column of a void field may no longer exist.
    return type === undefined ? 'int' : resultType(transform, type)
  })
}

/** The Avro schema of a manifest, with the field ids that readers use. */
function manifestSchema(shape: ManifestShape): AvroSchema {
  const types = partitionTypes(shape)
  const partition = shape.partition.map(({ name, fieldId }, index) => ({
    name: avroName(name),
    type: optional(avroType(types[index] ?? 'int', avroName(name))),
    default: null,
    'field-id': fieldId,
  }))
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
      // Not part of Iceberg. Readers look for the ids that they know.
      field(DIGEST, optional('bytes'), 2_000_000_001),
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

/** The bytes of a manifest with files of one spec. Entries added by the same snapshot inherit their sequence number from the list. */
export function encodeManifest(
  shape: ManifestShape,
  header: { schemaId: number; schemaJson: string; specJson: string; sortOrderId: number },
  entries: readonly ManifestEntry[],
): Buffer {
  const metadata = {
    schema: header.schemaJson,
    'schema-id': String(header.schemaId),
    'partition-spec': header.specJson,
    'partition-spec-id': String(shape.specId),
    'format-version': '2',
    content: 'data',
  }
  const types = partitionTypes(shape)
  return encodeContainer(
    manifestSchema(shape),
    metadata,
    entries.map((entry) => encodeEntry(shape, types, header.sortOrderId, entry)),
  )
}

function encodeEntry(
  shape: ManifestShape,
  types: readonly IcebergType[],
  sortOrderId: number,
  { status, snapshotId, sequence, file }: ManifestEntry,
): unknown {
  const inherited = status === 'added'
  const pairs = <V>(map: ReadonlyMap<number, V>) => [...map].sort(([a], [b]) => a - b).map(([key, value]) => ({ key, value }))
  const known = new Map(shape.fields.map((field) => [field.id, field.type]))
  const bounds = (map: ReadonlyMap<number, ColumnValue>, side: typeof lowerBound) =>
    pairs(map).flatMap(({ key, value }) => {
      const type = known.get(key)
      return type === undefined ? [] : [{ key, value: encodeValue(type, side(type, value)) }]
    })
  return {
    status: STATUSES.indexOf(status),
    snapshot_id: snapshotId,
    sequence_number: inherited ? null : sequence,
    file_sequence_number: inherited ? null : sequence,
    data_file: {
      content: 0,
      file_path: file.path,
      file_format: 'PARQUET',
      partition: Object.fromEntries(
        shape.partition.map(({ name }, index) => [avroName(name), avroValue(types[index] ?? 'int', file.partition[index] ?? null)]),
      ),
      record_count: file.rows,
      file_size_in_bytes: file.bytes,
      column_sizes: pairs(file.columnBytes),
      value_counts: pairs(new Map([...file.nulls.keys()].map((id) => [id, file.rows]))),
      null_value_counts: pairs(file.nulls),
      nan_value_counts: file.nans === undefined ? null : pairs(file.nans),
      lower_bounds: bounds(file.lower, lowerBound),
      upper_bounds: bounds(file.upper, upperBound),
      key_metadata: null,
      split_offsets: null,
      equality_ids: null,
      sort_order_id: file.sorted ? sortOrderId : 0,
      [DIGEST]: file.sha256 === undefined ? null : Buffer.from(file.sha256, 'hex'),
    },
  }
}

function avroValue(type: IcebergType, value: ColumnValue | null): unknown {
  if (value === null || !type.startsWith('decimal')) return value
  const bytes = encodeValue(type, value)
  const { size } = avroType(type, 'x') as { size: number }
  return Buffer.concat([Buffer.alloc(size - bytes.length, (bytes[0] ?? 0) >= 128 ? 0xff : 0), bytes])
}

/** Which column statistics a reader wants: bounds and nulls of some columns, or everything. */
export type Wanted = 'everything' | ReadonlySet<number>

const BASE_FIELDS = [
  'content',
  'file_path',
  'file_format',
  'partition',
  'record_count',
  'file_size_in_bytes',
  'null_value_counts',
  'lower_bounds',
  'upper_bounds',
  'sort_order_id',
  'nan_value_counts',
]
const ALL_FIELDS = [...BASE_FIELDS, 'column_sizes', DIGEST]

/** The entries of a manifest; missing values are inherited from the line of the list. Throws TABLE_CORRUPT, TABLE_UNSUPPORTED. */
export function decodeManifest(
  shape: ManifestShape,
  bytes: Uint8Array,
  key: string,
  inherit: { snapshotId: SnapshotId; sequence: number },
  wanted: Wanted = 'everything',
): ManifestEntry[] {
  const types = partitionTypes(shape)
  const known = new Map(shape.fields.map((field) => [field.id, field.type]))
  const wants = (id: number) => wanted === 'everything' || wanted.has(id)
  const entries: ManifestEntry[] = []
  try {
    readContainer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (schema) => {
      const read = entryReader(schema.fields ?? [], wanted === 'everything' ? ALL_FIELDS : BASE_FIELDS, wants)
      return (cursor) => {
        const record = read(cursor)
        const { status, snapshot_id: snapshotId, sequence_number: sequence, data_file: file } = record
        if (STATUSES[Number(status)] === undefined || typeof file?.file_path !== 'string' || typeof file.record_count !== 'number')
          throw new RangeError('an entry is not a data file')
        entries.push({
          status: STATUSES[Number(status)] ?? 'existing',
          snapshotId: snapshotId ?? inherit.snapshotId,
          sequence: sequence ?? inherit.sequence,
          file: toDataFile(shape, types, known, file, key),
        })
      }
    })
  } catch (error) {
    if (error instanceof LakehouseError) throw error
    throw new LakehouseError('TABLE_CORRUPT', `cannot read manifest ${key}: copy the file back from a backup`, {
      details: { key },
      cause: error,
    })
  }
  return entries
}

type FileRecord = {
  readonly content?: number
  readonly file_path?: string
  readonly file_format?: string
  readonly partition?: Readonly<Record<string, unknown>>
  readonly record_count?: number
  readonly file_size_in_bytes?: number
  readonly column_sizes?: ReadonlyMap<number, number> | null
  readonly null_value_counts?: ReadonlyMap<number, number> | null
  readonly nan_value_counts?: ReadonlyMap<number, number> | null
  readonly lower_bounds?: ReadonlyMap<number, Uint8Array> | null
  readonly upper_bounds?: ReadonlyMap<number, Uint8Array> | null
  readonly sort_order_id?: number | null
  readonly [DIGEST]?: Uint8Array | null
}

type EntryRecord = {
  readonly status?: number
  readonly snapshot_id?: SnapshotId | null
  readonly sequence_number?: number | null
  readonly data_file?: FileRecord
}

function entryReader(
  fields: RecordSchema['fields'],
  names: readonly string[],
  wants: (id: number) => boolean,
): (cursor: AvroCursor) => EntryRecord {
  const file = fields?.find((field) => field.name === 'data_file')?.type
  const inner = typeof file === 'object' && 'fields' in file ? (file.fields ?? []) : []
  const readFile = recordReader(inner, new Set(names), wants)
  const steps = (fields ?? []).map(({ name, type }) => ({ name, read: name === 'data_file' ? readFile : reader(type, wants) }))
  return (cursor) => {
    const record: Record<string, unknown> = {}
    for (const { name, read } of steps) record[name] = read(cursor)
    return record as EntryRecord
  }
}

function toDataFile(
  { specId, partition }: ManifestShape,
  types: readonly IcebergType[],
  known: ReadonlyMap<number, IcebergType>,
  file: FileRecord,
  key: string,
): DataFile {
  if ((file.content ?? 0) !== 0)
    throw new LakehouseError(
      'TABLE_UNSUPPORTED',
      `cannot read manifest ${key}: it has row-level deletes; rewrite the table with copy-on-write`,
      { details: { key } },
    )
  if (file.file_format?.toUpperCase() !== 'PARQUET')
    throw new LakehouseError(
      'TABLE_UNSUPPORTED',
      `cannot read ${file.file_path}: its format is ${file.file_format}; rewrite the table with Parquet files`,
      { details: { key } },
    )
  // A dropped column does not have a type, so its bounds cannot be read.
  const bounds = (held: ReadonlyMap<number, Uint8Array> | null | undefined) => {
    const values = new Map<number, ColumnValue>()
    for (const [id, bytes] of held ?? []) {
      const type = known.get(id)
      if (type !== undefined) values.set(id, decodeValue(type, bytes))
    }
    return values
  }
  return {
    path: file.file_path ?? '',
    specId,
    partition: partition.map(({ name }, index) =>
      partitionValue(types[index] ?? 'int', file.partition?.[avroName(name)] ?? file.partition?.[name]),
    ),
    rows: Number(file.record_count),
    bytes: Number(file.file_size_in_bytes),
    columnBytes: file.column_sizes ?? NONE,
    nulls: file.null_value_counts ?? NONE,
    lower: bounds(file.lower_bounds),
    upper: bounds(file.upper_bounds),
    nans: file.nan_value_counts ?? undefined,
    sorted: (file.sort_order_id ?? 0) !== 0,
    sha256: file[DIGEST] == null ? undefined : Buffer.from(file[DIGEST]).toString('hex'),
  }
}

const NONE: ReadonlyMap<number, number> = new Map()

function partitionValue(type: IcebergType, value: unknown): ColumnValue | null {
  if (value instanceof Uint8Array) return decodeValue(type, value)
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string' || typeof value === 'boolean' ? value : null
}

/** NaN counts of 0, for columns that are known to have no NaN. */
export function noNans(shape: Pick<TableShape, 'fields'>): Map<number, number> {
  return new Map(shape.fields.filter((field) => isFloating(field.type)).map((field) => [field.id, 0]))
}
