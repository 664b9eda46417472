import { createHash } from 'node:crypto'
import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { hasChanged, OWN_DIGEST, withOwnDigest } from '../own-digest.ts'
import type { ManifestShape, SnapshotId } from './manifest.ts'
import { FIRST_PARTITION_ID, type IcebergField, type PartitionField, type TableShape } from './schema.ts'
import { isTransform } from './transform.ts'
import { parseType } from './values.ts'

const id = z.union([z.int(), z.bigint()])
export const fieldJson = z.object({
  id: z.number(),
  name: z.string(),
  required: z.boolean(),
  type: z.unknown(),
  doc: z.string().optional(),
})
const schemaJson = z.object({ type: z.literal('struct'), 'schema-id': z.number(), fields: z.array(fieldJson) }).loose()
const specJson = z.object({
  'spec-id': z.number(),
  fields: z.array(z.object({ name: z.string(), transform: z.string(), 'source-id': z.number(), 'field-id': z.number() }).loose()),
})
export const orderJson = z.object({ 'order-id': z.number(), fields: z.array(z.object({ 'source-id': z.number() }).loose()) })
export const snapshotJson = z
  .object({
    'snapshot-id': id,
    'parent-snapshot-id': id.nullish(),
    'sequence-number': z.number().default(0),
    'timestamp-ms': z.number(),
    'manifest-list': z.string(),
    summary: z.record(z.string(), z.string()).default({ operation: 'append' }),
    'schema-id': z.number().nullish(),
  })
  .loose()
export const refJson = z.object({ 'snapshot-id': id, type: z.enum(['branch', 'tag']) }).loose()
export const statisticsJson = z.looseObject({ 'snapshot-id': id })
const metadataJson = z
  .object({
    'format-version': z.literal(2),
    'table-uuid': z.string(),
    location: z.string(),
    'last-sequence-number': z.number(),
    'last-updated-ms': z.number(),
    'last-column-id': z.number(),
    'current-schema-id': z.number(),
    schemas: z.array(schemaJson).min(1),
    'default-spec-id': z.number(),
    'partition-specs': z.array(specJson).min(1),
    'last-partition-id': z.number(),
    'default-sort-order-id': z.number(),
    'sort-orders': z.array(orderJson),
    properties: z.record(z.string(), z.string()).default({}),
    'current-snapshot-id': id.nullish().transform((found) => found ?? -1),
    snapshots: z.array(snapshotJson).default([]),
    refs: z.record(z.string(), refJson).default({}),
    'snapshot-log': z.array(z.object({ 'timestamp-ms': z.number(), 'snapshot-id': id })).default([]),
    'metadata-log': z.array(z.object({ 'timestamp-ms': z.number(), 'metadata-file': z.string() })).default([]),
    statistics: z.array(statisticsJson).optional(),
  })
  .loose()

export type TableMetadata = z.infer<typeof metadataJson>
export type Snapshot = z.infer<typeof snapshotJson>

/** Parses JSON; integers larger than 2^53 become bigint. */
export function parseExactJson(text: string): unknown {
  const revive = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value
  return JSON.parse(text, revive as Parameters<typeof JSON.parse>[1])
}

const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }

/** Prints JSON, with bigint as integers. */
export function printExactJson(value: unknown, space?: number): string {
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? rawJSON(String(one)) : one), space)
}

/** The metadata in a v<N>.metadata.json. Throws TABLE_CORRUPT, TABLE_UNSUPPORTED. */
export function parseMetadata(bytes: Uint8Array, key: string): TableMetadata {
  const text = Buffer.from(bytes).toString('utf8')
  if (hasChanged(text) === true)
    throw new LakehouseError(
      'TABLE_CORRUPT',
      `table metadata ${key} is damaged: its digest differs; restore it from a backup with \`restore\``,
      {
        details: { key },
      },
    )
  let json: unknown
  try {
    json = parseExactJson(text)
  } catch (error) {
    throw new LakehouseError('TABLE_CORRUPT', `table metadata ${key} is not JSON: restore the file from a backup with \`restore\``, {
      details: { key },
      cause: error,
    })
  }
  const version = typeof json === 'object' && json !== null && 'format-version' in json ? json['format-version'] : undefined
  if (typeof version === 'number' && version !== 1 && version !== 2) {
    throw new LakehouseError(
      'TABLE_UNSUPPORTED',
      `cannot read ${key}: it has Iceberg format version ${version}; rewrite the table with format version 1 or 2`,
      {
        details: { key, version },
      },
    )
  }
  const parsed = metadataJson.safeParse(version === 1 ? { ...FIRST_VERSION, ...asSecondVersion(json as FirstVersion) } : json)
  if (!parsed.success)
    throw new LakehouseError('TABLE_CORRUPT', `${key} is not table metadata: ${z.prettifyError(parsed.error)}`, { details: { key } })
  const { [OWN_DIGEST]: _digest, ...metadata } = parsed.data
  const { refs, 'current-snapshot-id': current } = metadata
  // Old writers do not write refs: then the current snapshot is the head of main.
  if (refs['main'] !== undefined || current === -1) return metadata
  return { ...metadata, refs: { ...refs, main: { 'snapshot-id': current, type: 'branch' } } }
}

type FirstVersion = {
  readonly schema?: { readonly fields?: readonly { readonly id?: number }[] }
  readonly 'partition-spec'?: readonly { readonly 'field-id'?: number }[]
  readonly location?: string
}

const FIRST_VERSION = {
  'last-sequence-number': 0,
  'current-schema-id': 0,
  'default-spec-id': 0,
  'default-sort-order-id': 0,
  'sort-orders': [{ 'order-id': 0, fields: [] }],
}

/** Converts a table of format version 1 to version 2: the single schema and spec become the first of several. A commit writes version 2. */
function asSecondVersion(json: FirstVersion): object {
  const fields = json['partition-spec'] ?? []
  return {
    schemas: [{ type: 'struct', 'schema-id': 0, ...json.schema }],
    'partition-specs': [{ 'spec-id': 0, fields: fields.map((field, index) => ({ 'field-id': FIRST_PARTITION_ID + index, ...field })) }],
    'last-partition-id': FIRST_PARTITION_ID - 1 + fields.length,
    'table-uuid': uuidOf(json.location ?? ''),
    ...json,
    'format-version': 2,
  }
}

/** Metadata as JSON that ends with its own digest. */
export function printMetadata(metadata: TableMetadata): Buffer {
  return withOwnDigest(printExactJson(metadata, 1))
}

/** How this program writes, as properties of a table. */
export const WRITE_PROPERTIES: Readonly<Record<string, string>> = {
  'write.format.default': 'parquet',
  'write.parquet.compression-codec': 'zstd',
  'write.delete.mode': 'copy-on-write',
  'write.update.mode': 'copy-on-write',
  'write.merge.mode': 'copy-on-write',
}

/** Metadata of a new, empty table. The table id is derived from the location, so that equal tables have equal bytes. */
export function newMetadata(location: string, shape: TableShape, nowMs: number): TableMetadata {
  const order = shape.sort.map((name) => ({
    transform: 'identity',
    'source-id': idOf(shape.fields, name),
    direction: 'asc',
    'null-order': 'nulls-first',
  }))
  return {
    'format-version': 2,
    'table-uuid': uuidOf(location),
    location,
    'last-sequence-number': 0,
    'last-updated-ms': nowMs,
    'last-column-id': Math.max(0, ...shape.fields.map((field) => field.id)),
    'current-schema-id': 0,
    schemas: [{ type: 'struct', 'schema-id': 0, fields: shape.fields.map(fieldToJson) }],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: specToJson(shape.fields, shape.partition) }],
    'last-partition-id': FIRST_PARTITION_ID - 1 + shape.partition.length,
    'default-sort-order-id': order.length === 0 ? 0 : 1,
    'sort-orders': [{ 'order-id': 0, fields: [] }, ...(order.length === 0 ? [] : [{ 'order-id': 1, fields: order }])],
    properties: WRITE_PROPERTIES,
    'current-snapshot-id': -1,
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [],
  }
}

export function fieldToJson({ doc, ...field }: IcebergField): z.infer<typeof fieldJson> {
  return doc === undefined ? field : { ...field, doc }
}

export function specToJson(fields: readonly IcebergField[], partition: readonly PartitionField[]): z.infer<typeof specJson>['fields'] {
  return partition.map(({ source, transform, name, fieldId }) => ({
    name,
    transform,
    'source-id': idOf(fields, source),
    'field-id': fieldId,
  }))
}

/** Throws COLUMN_NOT_FOUND. */
export function idOf(fields: readonly IcebergField[], name: string): number {
  const found = fields.find((field) => field.name === name)
  if (found === undefined)
    throw new LakehouseError(
      'COLUMN_NOT_FOUND',
      `column ${name} does not exist: use one of ${fields.map((field) => field.name).join(', ')}`,
      {
        details: { column: name },
      },
    )
  return found.id
}

/** The fields of one schema of the table, by default the current one. Throws TABLE_UNSUPPORTED for unsupported types. */
export function fieldsAt(metadata: TableMetadata, schemaId: number | null | undefined, key: string): IcebergField[] {
  const { schemas } = metadata
  const schema =
    schemas.find((candidate) => candidate['schema-id'] === schemaId) ??
    schemas.find((candidate) => candidate['schema-id'] === metadata['current-schema-id']) ??
    schemas[0]
  const nameOf = sqlNames(schema?.fields ?? [])
  return (schema?.fields ?? []).map((field) => {
    const type = typeof field.type === 'string' ? parseType(field.type) : undefined
    if (type === undefined)
      throw new LakehouseError(
        'TABLE_UNSUPPORTED',
        `cannot read the table ${key}: column ${field.name} has the unsupported type ${JSON.stringify(field.type)}; change its type in the engine that made the table`,
        {
          details: { key },
        },
      )
    return { id: field.id, name: nameOf(field), required: field.required, type, doc: field.doc }
  })
}

/** SQL does not tell names apart that differ only in case: the later column carries its id in SQL. */
function sqlNames(
  fields: readonly { readonly id: number; readonly name: string }[],
): (field: { readonly id: number; readonly name: string }) => string {
  const seen = new Map<string, number>()
  for (const { id, name } of fields) if (!seen.has(name.toLowerCase())) seen.set(name.toLowerCase(), id)
  return ({ id, name }) => (seen.get(name.toLowerCase()) === id ? name : `${name}_${id}`)
}

/** The shape that a schema (by default the current one), the default partition spec and sort order describe. Throws TABLE_UNSUPPORTED. */
export function shapeOf(metadata: TableMetadata, key: string, schemaId?: number | null): TableShape {
  const fields = fieldsAt(metadata, schemaId, key)
  const order = metadata['sort-orders'].find((candidate) => candidate['order-id'] === metadata['default-sort-order-id'])?.fields ?? []
  const nameOf = (fieldId: number) => fields.find((field) => field.id === fieldId)?.name
  return {
    fields,
    partition: partitionAt(metadata, metadata['default-spec-id'], fields, key),
    sort: order.flatMap((part) => nameOf(part['source-id']) ?? []),
  }
}

/** The latest field of each id in all schemas of the table, for old files and specs. A dropped field whose name is used again gets another name here. */
function everyField(metadata: TableMetadata, key: string): IcebergField[] {
  const current = fieldsAt(metadata, undefined, key)
  const found = new Map(current.map((field) => [field.id, field]))
  const names = new Set(current.map((field) => field.name))
  for (const { 'schema-id': schemaId } of [...metadata.schemas].reverse())
    for (const field of fieldsAt(metadata, schemaId, key)) {
      if (found.has(field.id)) continue
      found.set(field.id, names.has(field.name) ? { ...field, name: `${field.name}#${field.id}` } : field)
      names.add(field.name)
    }
  return [...found.values()]
}

/** What the files of a spec have in common. Throws TABLE_CORRUPT when the table does not have the spec, and TABLE_UNSUPPORTED. */
export function manifestShapeOf(metadata: TableMetadata, specId: number, key: string): ManifestShape {
  const fields = everyField(metadata, key)
  return { fields, specId, partition: partitionAt(metadata, specId, fields, key) }
}

function partitionAt(metadata: TableMetadata, specId: number, fields: readonly IcebergField[], key: string): PartitionField[] {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === specId)
  if (spec === undefined)
    throw new LakehouseError(
      'TABLE_CORRUPT',
      `the table ${key} does not have the partition spec ${specId}: restore its metadata from a backup with \`restore\``,
      { details: { key } },
    )
  return spec.fields.map((part) => {
    if (!isTransform(part.transform))
      throw new LakehouseError(
        'TABLE_UNSUPPORTED',
        `cannot read the table ${key}: it is partitioned by the unsupported transform ${part.transform}; change its partitions in the engine that made it`,
        { details: { key } },
      )
    const source = fields.find((field) => field.id === part['source-id'])?.name ?? ''
    return { source, transform: part.transform, name: part.name, fieldId: part['field-id'] }
  })
}

function uuidOf(location: string): string {
  const hex = createHash('sha256').update(location).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** A snapshot and those before it that still exist, newest first; empty without it. */
export function lineOf({ snapshots }: Pick<TableMetadata, 'snapshots'>, head: SnapshotId | undefined): Snapshot[] {
  const byId = new Map(snapshots.map((snapshot) => [BigInt(snapshot['snapshot-id']), snapshot]))
  const line = new Set<Snapshot>()
  let at = byId.get(BigInt(head ?? -1))
  while (at !== undefined && !line.has(at)) {
    line.add(at)
    at = byId.get(BigInt(at['parent-snapshot-id'] ?? -1))
  }
  return [...line]
}

/** Whether two ids are equal, as number or bigint. */
export function sameId(a: SnapshotId | null | undefined, b: SnapshotId | string | null | undefined): boolean {
  return a !== null && a !== undefined && b !== null && b !== undefined && BigInt(a) === BigInt(b)
}

/** An id for JSON: a number if it is exact, else its digits as text. */
export function shownId(snapshotId: SnapshotId): number | string {
  return typeof snapshotId === 'bigint' ? String(snapshotId) : snapshotId
}
