import { LakehouseError } from '../../core/errors.ts'
import type { SnapshotId } from './manifest.ts'
import { fieldsAt, fieldToJson, idOf, type Snapshot, sameId, specToJson, type TableMetadata } from './metadata.ts'
import { FIRST_PARTITION_ID, type IcebergField, type PartitionField, partitionField } from './schema.ts'
import type { Transform } from './transform.ts'
import type { IcebergType } from './values.ts'

// Pure changes of a table's metadata; a commit makes one of them the next version.

/** How many former versions the metadata log names. */
const METADATA_LOG_LENGTH = 20

/** The metadata as the next version: with a later time, and with the former version in the log. */
export function asNext(next: TableMetadata, previous: { metadata: TableMetadata; file: string } | undefined, nowMs: number): TableMetadata {
  if (previous === undefined) return { ...next, 'last-updated-ms': Math.max(nowMs, next['last-updated-ms']) }
  const entry = { 'timestamp-ms': previous.metadata['last-updated-ms'], 'metadata-file': previous.file }
  return {
    ...next,
    'last-updated-ms': Math.max(nowMs, next['last-updated-ms']),
    'metadata-log': [...next['metadata-log'], entry].slice(-METADATA_LOG_LENGTH),
  }
}

/** Adds a snapshot that has no reference yet. */
export function withSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  return {
    ...metadata,
    'last-sequence-number': Math.max(metadata['last-sequence-number'], snapshot['sequence-number']),
    'last-updated-ms': Math.max(metadata['last-updated-ms'], snapshot['timestamp-ms']),
    snapshots: [...metadata.snapshots, snapshot],
  }
}

/** Adds a branch or tag that points to a snapshot. Readers use `main` by default. Throws SNAPSHOT_NOT_FOUND, TABLE_REF_INVALID. */
export function withRef(
  metadata: TableMetadata,
  name: string,
  snapshotId: SnapshotId,
  type: 'branch' | 'tag',
  nowMs: number,
): TableMetadata {
  if (!metadata.snapshots.some((snapshot) => sameId(snapshot['snapshot-id'], snapshotId)))
    throw new LakehouseError('SNAPSHOT_NOT_FOUND', `snapshot ${snapshotId} does not exist: see \`tables snapshots\``, {
      details: { snapshot: String(snapshotId) },
    })
  const known = metadata.refs[name]
  if ((name === 'main' && type === 'tag') || (known !== undefined && known.type !== type))
    throw new LakehouseError(
      'TABLE_REF_INVALID',
      `${name} is a ${known?.type ?? 'branch'} and cannot become a ${type}: choose another name`,
      {
        details: { ref: name },
      },
    )
  const next = { ...metadata, refs: { ...metadata.refs, [name]: { ...known, 'snapshot-id': snapshotId, type } } }
  if (name !== 'main') return next
  // Readers refuse a log with decreasing times.
  const at = Math.max(nowMs, metadata['snapshot-log'].at(-1)?.['timestamp-ms'] ?? 0)
  return {
    ...next,
    'current-snapshot-id': snapshotId,
    'last-updated-ms': Math.max(next['last-updated-ms'], at),
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': at, 'snapshot-id': snapshotId }],
  }
}

/** Removes a branch or tag; its snapshots stay until they expire. Throws TABLE_REF_INVALID. */
export function withoutRef(metadata: TableMetadata, name: string): TableMetadata {
  const { [name]: gone, ...refs } = metadata.refs
  if (gone === undefined || name === 'main') {
    const names = Object.keys(metadata.refs).filter((one) => one !== 'main')
    throw new LakehouseError('TABLE_REF_INVALID', `tag or branch ${name} does not exist: the table has ${names.join(', ') || 'none'}`, {
      details: { ref: name },
    })
  }
  return { ...metadata, refs }
}

/** Removes some snapshots. Snapshots that a branch or tag names must stay. */
export function withoutSnapshots(metadata: TableMetadata, snapshotIds: readonly SnapshotId[]): TableMetadata {
  const gone = new Set(snapshotIds.map(BigInt))
  const isGone = (id: SnapshotId) => gone.has(BigInt(id))
  // Entries before a removed one would seem to have another predecessor, so they are removed too.
  const cut = metadata['snapshot-log'].findLastIndex((entry) => isGone(entry['snapshot-id']))
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => !isGone(snapshot['snapshot-id'])),
    'snapshot-log': metadata['snapshot-log'].slice(cut + 1),
  }
}

/** A change of the columns. Columns keep their ids when they are renamed. */
export type ColumnChange =
  | { readonly kind: 'add'; readonly name: string; readonly type: IcebergType; readonly doc?: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  | { readonly kind: 'widen'; readonly name: string; readonly type: IcebergType }
  | { readonly kind: 'move'; readonly name: string; readonly after: string | undefined }
  | { readonly kind: 'drop'; readonly name: string }

/** Adds a new schema and makes it the current one; files keep the columns they were written with. Throws COLUMN_NOT_FOUND, SCHEMA_CHANGE_INVALID. */
export function withColumns(metadata: TableMetadata, changes: readonly ColumnChange[]): TableMetadata {
  let fields = fieldsAt(metadata, undefined, metadata.location)
  let lastId = metadata['last-column-id']
  for (const change of changes) {
    if (change.kind === 'add' || change.kind === 'rename') {
      const name = change.kind === 'add' ? change.name : change.to
      if (fields.some((field) => field.name === name)) throw invalidChange(`column ${name} already exists: choose another name`)
    }
    if (change.kind === 'add') {
      const doc = change.doc
      fields = [...fields, { id: ++lastId, name: change.name, required: false, type: change.type, doc }]
      continue
    }
    const id = idOf(fields, change.name)
    fields = applyChange(metadata, fields, id, change)
  }
  const schemaId = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1
  return {
    ...metadata,
    'last-column-id': lastId,
    'current-schema-id': schemaId,
    schemas: [...metadata.schemas, { type: 'struct', 'schema-id': schemaId, ...identifiersOf(metadata), fields: fields.map(fieldToJson) }],
  }
}

/** The ids of the columns that identify a row, as the current schema names them. */
function identifiersOf(metadata: TableMetadata): { 'identifier-field-ids'?: readonly number[] } {
  const schema: Readonly<Record<string, unknown>> = metadata.schemas.find((one) => one['schema-id'] === metadata['current-schema-id']) ?? {}
  const ids = schema['identifier-field-ids']
  return Array.isArray(ids) && ids.length > 0 ? { 'identifier-field-ids': ids } : {}
}

function applyChange(
  metadata: TableMetadata,
  fields: readonly IcebergField[],
  id: number,
  change: Exclude<ColumnChange, { kind: 'add' }>,
): IcebergField[] {
  switch (change.kind) {
    case 'rename':
      return fields.map((field) => (field.id === id ? { ...field, name: change.to } : field))
    case 'widen':
      return fields.map((field) => {
        if (field.id !== id) return field
        if (!canWiden(field.type, change.type))
          throw invalidChange(
            `cannot change column ${field.name} from ${field.type} to ${change.type}: allowed are int to long, float to double, and more decimal digits`,
          )
        return { ...field, type: change.type }
      })
    case 'move': {
      const moved = fields.filter((field) => field.id === id)
      const others = fields.filter((field) => field.id !== id)
      const at = change.after === undefined ? 0 : others.findIndex((field) => field.id === idOf(others, change.after ?? '')) + 1
      return [...others.slice(0, at), ...moved, ...others.slice(at)]
    }
    case 'drop': {
      const spec = metadata['partition-specs'].find((one) => one['spec-id'] === metadata['default-spec-id'])
      const order = metadata['sort-orders'].find((one) => one['order-id'] === metadata['default-sort-order-id'])
      if ([...(spec?.fields ?? []), ...(order?.fields ?? [])].some((part) => part['source-id'] === id))
        throw invalidChange(
          `cannot drop column ${change.name}: the table is partitioned or sorted by it; change the partitions or order first`,
        )
      if (identifiersOf(metadata)['identifier-field-ids']?.includes(id) === true)
        throw invalidChange(`cannot drop column ${change.name}: it identifies the rows of the table; change the identifier fields first`)
      return fields.filter((field) => field.id !== id)
    }
  }
}

/** The widenings that the format allows: existing files stay readable. */
export function canWiden(from: IcebergType, to: IcebergType): boolean {
  if ((from === 'int' && to === 'long') || (from === 'float' && to === 'double')) return true
  const digits = (type: IcebergType) => [...type.matchAll(/\d+/g)].map(([text]) => Number(text))
  const [[p1, s1], [p2, s2]] = [digits(from), digits(to)]
  return from.startsWith('decimal') && to.startsWith('decimal') && s1 === s2 && (p2 ?? 0) > (p1 ?? 0)
}

function invalidChange(message: string): LakehouseError {
  return new LakehouseError('SCHEMA_CHANGE_INVALID', message)
}

/** Partitions new files differently; existing files keep their spec. Throws COLUMN_NOT_FOUND. */
export function withPartition(metadata: TableMetadata, parts: readonly { source: string; transform: Transform }[]): TableMetadata {
  const fields = fieldsAt(metadata, undefined, metadata.location)
  let lastId = metadata['last-partition-id']
  const known = metadata['partition-specs'].flatMap((spec) => spec.fields)
  const partition = parts.map(({ source, transform }): PartitionField => {
    const sourceId = idOf(fields, source)
    // The same partition field keeps its id, so that a scan can use it for old and new files.
    const same = known.find((part) => part['source-id'] === sourceId && part.transform === transform)
    if (same !== undefined) return { source, transform, name: same.name, fieldId: same['field-id'] }
    lastId = Math.max(lastId, FIRST_PARTITION_ID - 1) + 1
    return partitionField(source, transform, lastId)
  })
  const json = specToJson(fields, partition)
  const equal = metadata['partition-specs'].find(({ fields: other }) => JSON.stringify(other) === JSON.stringify(json))
  const specId = equal?.['spec-id'] ?? Math.max(...metadata['partition-specs'].map((spec) => spec['spec-id'])) + 1
  return {
    ...metadata,
    'default-spec-id': specId,
    'last-partition-id': lastId,
    'partition-specs':
      equal === undefined ? [...metadata['partition-specs'], { 'spec-id': specId, fields: json }] : metadata['partition-specs'],
  }
}
