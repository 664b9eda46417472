import { createHash } from 'node:crypto'
import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { type IcebergField, type IcebergType, type PartitionTransform, partitionFieldName, type TableShape } from './schema.ts'

const fieldJson = z.object({ id: z.number(), name: z.string(), required: z.boolean(), type: z.string(), doc: z.string().optional() })
const snapshotJson = z.object({
  'snapshot-id': z.number(),
  'parent-snapshot-id': z.number().optional(),
  'sequence-number': z.number(),
  'timestamp-ms': z.number(),
  'manifest-list': z.string(),
  summary: z.record(z.string(), z.string()),
  'schema-id': z.number().optional(),
})
const metadataJson = z.object({
  'format-version': z.literal(2),
  'table-uuid': z.string(),
  location: z.string(),
  'last-sequence-number': z.number(),
  'last-updated-ms': z.number(),
  'last-column-id': z.number(),
  'current-schema-id': z.number(),
  schemas: z.array(z.object({ type: z.literal('struct'), 'schema-id': z.number(), fields: z.array(fieldJson) })).min(1),
  'default-spec-id': z.number(),
  'partition-specs': z.array(
    z.object({
      'spec-id': z.number(),
      fields: z.array(z.object({ name: z.string(), transform: z.string(), 'source-id': z.number(), 'field-id': z.number() })),
    }),
  ),
  'last-partition-id': z.number(),
  'default-sort-order-id': z.number(),
  'sort-orders': z.array(z.object({ 'order-id': z.number(), fields: z.array(z.object({ 'source-id': z.number() }).loose()) })),
  properties: z.record(z.string(), z.string()),
  'current-snapshot-id': z.number(),
  snapshots: z.array(snapshotJson),
  refs: z.record(z.string(), z.object({ 'snapshot-id': z.number(), type: z.enum(['branch', 'tag']) }).loose()),
  'snapshot-log': z.array(z.object({ 'timestamp-ms': z.number(), 'snapshot-id': z.number() })),
  'metadata-log': z.array(z.object({ 'timestamp-ms': z.number(), 'metadata-file': z.string() })),
})

export type TableMetadata = z.infer<typeof metadataJson>
export type Snapshot = z.infer<typeof snapshotJson>

/** Versions whose metadata files stay beside the current one. */
const METADATA_LOG_LENGTH = 20

const TYPES: readonly string[] = ['boolean', 'long', 'double', 'string', 'timestamptz'] satisfies IcebergType[]

/** The metadata in a v<N>.metadata.json. Throws TABLE_CORRUPT, TABLE_UNSUPPORTED. */
export function parseMetadata(bytes: Uint8Array, key: string): TableMetadata {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    throw new LakehouseError('TABLE_CORRUPT', `${key} is not JSON`, { details: { key }, cause: error })
  }
  const version = typeof json === 'object' && json !== null && 'format-version' in json ? json['format-version'] : undefined
  if (typeof version === 'number' && version !== 2) {
    throw new LakehouseError('TABLE_UNSUPPORTED', `${key} is of Iceberg format version ${version}; only version 2 is read`, {
      details: { key, version },
    })
  }
  const parsed = metadataJson.safeParse(json)
  if (!parsed.success)
    throw new LakehouseError('TABLE_CORRUPT', `${key} is not table metadata: ${z.prettifyError(parsed.error)}`, { details: { key } })
  return parsed.data
}

export function printMetadata(metadata: TableMetadata): Buffer {
  return Buffer.from(JSON.stringify(metadata, undefined, 1))
}

/** Metadata of a new, empty table; its id follows from its location, so that equal tables have equal bytes. */
export function newMetadata(location: string, shape: TableShape, nowMs: number): TableMetadata {
  const idOf = (name: string) => shape.fields.find((field) => field.name === name)?.id ?? 0
  const spec =
    shape.partition === undefined
      ? []
      : [
          {
            name: partitionFieldName(shape.partition),
            transform: shape.partition.transform,
            'source-id': idOf(shape.partition.source),
            'field-id': 1000,
          },
        ]
  const order = shape.sort.map((name) => ({
    transform: 'identity',
    'source-id': idOf(name),
    direction: 'asc',
    'null-order': 'nulls-first',
  }))
  return {
    'format-version': 2,
    'table-uuid': uuidOf(location),
    location,
    'last-sequence-number': 0,
    'last-updated-ms': nowMs,
    'last-column-id': shape.fields.length,
    'current-schema-id': 0,
    schemas: [
      { type: 'struct', 'schema-id': 0, fields: shape.fields.map(({ doc, ...field }) => (doc === undefined ? field : { ...field, doc })) },
    ],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: spec }],
    'last-partition-id': 999 + spec.length,
    'default-sort-order-id': order.length === 0 ? 0 : 1,
    'sort-orders': [{ 'order-id': 0, fields: [] }, ...(order.length === 0 ? [] : [{ 'order-id': 1, fields: order }])],
    properties: {
      'write.format.default': 'parquet',
      'write.parquet.compression-codec': 'zstd',
      'write.delete.mode': 'copy-on-write',
      'write.update.mode': 'copy-on-write',
      'write.merge.mode': 'copy-on-write',
    },
    'current-snapshot-id': -1,
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [],
  }
}

/** The metadata after one more snapshot; `previous` is the key of the metadata that it grew from. */
export function withSnapshot(metadata: TableMetadata, snapshot: Snapshot, previousFile: string | undefined): TableMetadata {
  const log = previousFile === undefined ? [] : [{ 'timestamp-ms': metadata['last-updated-ms'], 'metadata-file': previousFile }]
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': snapshot['timestamp-ms'],
    'current-snapshot-id': snapshot['snapshot-id'],
    snapshots: [...metadata.snapshots, snapshot],
    refs: { ...metadata.refs, main: { 'snapshot-id': snapshot['snapshot-id'], type: 'branch' } },
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': snapshot['snapshot-id'] }],
    'metadata-log': [...metadata['metadata-log'], ...log].slice(-METADATA_LOG_LENGTH),
  }
}

/** The shape that the current schema, partition spec and sort order describe. Throws TABLE_UNSUPPORTED for types and transforms that are not ours. */
export function shapeOf(metadata: TableMetadata, key: string): TableShape {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === metadata['current-schema-id']) ?? metadata.schemas[0]
  const fields: IcebergField[] = (schema?.fields ?? []).map((field) => {
    if (!isType(field.type))
      throw new LakehouseError('TABLE_UNSUPPORTED', `${key}: column ${field.name} is of type ${field.type}`, { details: { key } })
    return { ...field, type: field.type }
  })
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === metadata['default-spec-id'])?.fields ?? []
  const order = metadata['sort-orders'].find((candidate) => candidate['order-id'] === metadata['default-sort-order-id'])?.fields ?? []
  const nameOf = (id: number) => fields.find((field) => field.id === id)?.name ?? ''
  const first = spec[0]
  if (first !== undefined && (spec.length > 1 || !isTransform(first.transform))) {
    throw new LakehouseError('TABLE_UNSUPPORTED', `${key} is partitioned by ${spec.map((part) => part.transform).join(', ')}`, {
      details: { key },
    })
  }
  return {
    fields,
    partition: first === undefined ? undefined : { source: nameOf(first['source-id']), transform: first.transform as PartitionTransform },
    sort: order.map((part) => nameOf(part['source-id'])),
  }
}

function isType(text: string): text is IcebergType {
  return TYPES.includes(text)
}

function isTransform(text: string): text is PartitionTransform {
  return text === 'month' || text === 'year'
}

function uuidOf(location: string): string {
  const hex = createHash('sha256').update(location).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
