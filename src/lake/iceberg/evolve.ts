import { LakehouseError } from '../../core/errors.ts'
import type { SnapshotId } from './manifest.ts'
import { fieldsAt, fieldToJson, idOf, type Snapshot, sameId, specToJson, type TableMetadata } from './metadata.ts'
import { FIRST_PARTITION_ID, type IcebergField, type PartitionField, partitionField } from './schema.ts'
import type { Transform } from './transform.ts'
import type { IcebergType } from './values.ts'

// Pure changes of a table's metadata; a commit makes one of them the next version.

/** Versions whose metadata files are named in the current one. */
const METADATA_LOG_LENGTH = 20

/** The metadata as the next version: later, and with its predecessor in the log. */
export function asNext(next: TableMetadata, previous: { metadata: TableMetadata; file: string } | undefined, nowMs: number): TableMetadata {
  if (previous === undefined) return { ...next, 'last-updated-ms': Math.max(nowMs, next['last-updated-ms']) }
  const entry = { 'timestamp-ms': previous.metadata['last-updated-ms'], 'metadata-file': previous.file }
  return {
    ...next,
    'last-updated-ms': Math.max(nowMs, next['last-updated-ms']),
    'metadata-log': [...previous.metadata['metadata-log'], entry].slice(-METADATA_LOG_LENGTH),
  }
}

/** With one more snapshot, which nothing names yet. */
export function withSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  return {
    ...metadata,
    'last-sequence-number': Math.max(metadata['last-sequence-number'], snapshot['sequence-number']),
    'last-updated-ms': Math.max(metadata['last-updated-ms'], snapshot['timestamp-ms']),
    snapshots: [...metadata.snapshots, snapshot],
  }
}

/** With a branch or tag that names a snapshot. `main` is what is read where nothing else is asked for. Throws SNAPSHOT_NOT_FOUND, TABLE_REF_INVALID. */
export function withRef(
  metadata: TableMetadata,
  name: string,
  snapshotId: SnapshotId,
  type: 'branch' | 'tag',
  nowMs: number,
): TableMetadata {
  if (!metadata.snapshots.some((snapshot) => sameId(snapshot['snapshot-id'], snapshotId)))
    throw new LakehouseError('SNAPSHOT_NOT_FOUND', `there is no snapshot ${snapshotId}`, { details: { snapshot: String(snapshotId) } })
  const known = metadata.refs[name]
  if ((name === 'main' && type === 'tag') || (known !== undefined && known.type !== type))
    throw new LakehouseError('TABLE_REF_INVALID', `${name} is a ${known?.type ?? 'branch'} and cannot become a ${type}`, {
      details: { ref: name },
    })
  const next = { ...metadata, refs: { ...metadata.refs, [name]: { ...known, 'snapshot-id': snapshotId, type } } }
  if (name !== 'main') return next
  // Readers refuse a log that goes back in time.
  const at = Math.max(nowMs, metadata['snapshot-log'].at(-1)?.['timestamp-ms'] ?? 0)
  return {
    ...next,
    'current-snapshot-id': snapshotId,
    'last-updated-ms': Math.max(next['last-updated-ms'], at),
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': at, 'snapshot-id': snapshotId }],
  }
}

/** Without a branch or tag; its snapshots stay until they are expired. Throws TABLE_REF_INVALID. */
export function withoutRef(metadata: TableMetadata, name: string): TableMetadata {
  const { [name]: gone, ...refs } = metadata.refs
  if (gone === undefined || name === 'main') {
    const names = Object.keys(metadata.refs).filter((one) => one !== 'main')
    throw new LakehouseError('TABLE_REF_INVALID', `there is no tag or branch ${name}: there are ${names.join(', ') || 'none'}`, {
      details: { ref: name },
    })
  }
  return { ...metadata, refs }
}

/** The snapshots before the newest `keep` that no branch or tag names, oldest first. */
export function unnamedSnapshots({ snapshots, refs }: TableMetadata, keep: number): Snapshot[] {
  const named = new Set(Object.values(refs).map((ref) => BigInt(ref['snapshot-id'])))
  return snapshots.slice(0, Math.max(0, snapshots.length - keep)).filter((snapshot) => !named.has(BigInt(snapshot['snapshot-id'])))
}

/** Without some snapshots. Those that a branch or tag names must stay. */
export function withoutSnapshots(metadata: TableMetadata, snapshotIds: readonly SnapshotId[]): TableMetadata {
  const gone = new Set(snapshotIds.map(BigInt))
  const isGone = (id: SnapshotId) => gone.has(BigInt(id))
  // What lies before an entry that is cut would seem to follow on something else.
  const cut = metadata['snapshot-log'].findLastIndex((entry) => isGone(entry['snapshot-id']))
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => !isGone(snapshot['snapshot-id'])),
    'snapshot-log': metadata['snapshot-log'].slice(cut + 1),
  }
}

/** A change of the columns; ids stay with their columns whatever they are called. */
export type ColumnChange =
  | { readonly kind: 'add'; readonly name: string; readonly type: IcebergType; readonly doc?: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  | { readonly kind: 'widen'; readonly name: string; readonly type: IcebergType }
  | { readonly kind: 'move'; readonly name: string; readonly after: string | undefined }
  | { readonly kind: 'drop'; readonly name: string }

/** With a new schema, which becomes the current one; files keep the columns that they were written with. Throws COLUMN_NOT_FOUND, SCHEMA_CHANGE_INVALID. */
export function withColumns(metadata: TableMetadata, changes: readonly ColumnChange[]): TableMetadata {
  let fields = fieldsAt(metadata, undefined, metadata.location)
  let lastId = metadata['last-column-id']
  for (const change of changes) {
    if (change.kind === 'add' || change.kind === 'rename') {
      const name = change.kind === 'add' ? change.name : change.to
      if (fields.some((field) => field.name === name)) throw invalidChange(`there is a column ${name} already`)
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
    schemas: [...metadata.schemas, { type: 'struct', 'schema-id': schemaId, fields: fields.map(fieldToJson) }],
  }
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
        if (!canWiden(field.type, change.type)) throw invalidChange(`${field.name} is ${field.type} and cannot become ${change.type}`)
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
        throw invalidChange(`${change.name} is what the table is partitioned or sorted by`)
      return fields.filter((field) => field.id !== id)
    }
  }
}

/** The widenings that the format allows: what is written stays readable. */
function canWiden(from: IcebergType, to: IcebergType): boolean {
  if ((from === 'int' && to === 'long') || (from === 'float' && to === 'double')) return true
  const digits = (type: IcebergType) => [...type.matchAll(/\d+/g)].map(([text]) => Number(text))
  const [[p1, s1], [p2, s2]] = [digits(from), digits(to)]
  return from.startsWith('decimal') && to.startsWith('decimal') && s1 === s2 && (p2 ?? 0) > (p1 ?? 0)
}

function invalidChange(message: string): LakehouseError {
  return new LakehouseError('SCHEMA_CHANGE_INVALID', message)
}

/** PartitionPart otherwise from now on; files keep the spec that they were written under. Throws COLUMN_NOT_FOUND. */
export function withPartition(metadata: TableMetadata, parts: readonly { source: string; transform: Transform }[]): TableMetadata {
  const fields = fieldsAt(metadata, undefined, metadata.location)
  let lastId = metadata['last-partition-id']
  const known = metadata['partition-specs'].flatMap((spec) => spec.fields)
  const partition = parts.map(({ source, transform }): PartitionField => {
    const sourceId = idOf(fields, source)
    // The same cut keeps its id, so that old and new files can be judged by it alike.
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
