import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { withoutRef, withoutSnapshots, withRef, withSnapshot } from './evolve.ts'
import {
  fieldJson,
  newMetadata,
  orderJson,
  printExactJson,
  refJson,
  sameId,
  shapeOf,
  snapshotJson,
  statisticsJson,
  type TableMetadata,
} from './metadata.ts'
import { FIRST_PARTITION_ID } from './schema.ts'
import { isTransform } from './transform.ts'
import { parseType } from './values.ts'

// A commit request of the Iceberg REST catalog protocol: requirements that must hold, and updates that are applied together.
// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml

const id = z.union([z.int(), z.bigint()])
const schema = z.looseObject({ 'schema-id': z.int().optional(), fields: z.array(fieldJson) })
const spec = z.looseObject({
  'spec-id': z.int().optional(),
  fields: z.array(z.looseObject({ name: z.string(), transform: z.string(), 'source-id': z.int(), 'field-id': z.int().optional() })),
})
const order = z.looseObject({ 'order-id': z.int().optional(), fields: orderJson.shape.fields })

const requirement = z.discriminatedUnion('type', [
  z.object({ type: z.literal('assert-create') }),
  z.object({ type: z.literal('assert-table-uuid'), uuid: z.string() }),
  z.object({ type: z.literal('assert-ref-snapshot-id'), ref: z.string(), 'snapshot-id': id.nullish() }),
  z.object({ type: z.literal('assert-last-assigned-field-id'), 'last-assigned-field-id': z.int() }),
  z.object({ type: z.literal('assert-current-schema-id'), 'current-schema-id': z.int() }),
  z.object({ type: z.literal('assert-last-assigned-partition-id'), 'last-assigned-partition-id': z.int() }),
  z.object({ type: z.literal('assert-default-spec-id'), 'default-spec-id': z.int() }),
  z.object({ type: z.literal('assert-default-sort-order-id'), 'default-sort-order-id': z.int() }),
])

const update = z.discriminatedUnion('action', [
  z.object({ action: z.literal('assign-uuid'), uuid: z.string() }),
  z.object({ action: z.literal('upgrade-format-version'), 'format-version': z.int() }),
  z.object({ action: z.literal('add-schema'), schema, 'last-column-id': z.int().optional() }),
  z.object({ action: z.literal('set-current-schema'), 'schema-id': z.int() }),
  z.object({ action: z.literal('add-spec'), spec }),
  z.object({ action: z.literal('set-default-spec'), 'spec-id': z.int() }),
  z.object({ action: z.literal('add-sort-order'), 'sort-order': order }),
  z.object({ action: z.literal('set-default-sort-order'), 'sort-order-id': z.int() }),
  z.object({ action: z.literal('add-snapshot'), snapshot: snapshotJson }),
  z.object({ action: z.literal('set-snapshot-ref'), 'ref-name': z.string(), ...refJson.shape }).loose(),
  z.object({ action: z.literal('remove-snapshots'), 'snapshot-ids': z.array(id) }),
  z.object({ action: z.literal('remove-snapshot-ref'), 'ref-name': z.string() }),
  z.object({ action: z.literal('set-location'), location: z.string() }),
  z.object({ action: z.literal('set-properties'), updates: z.record(z.string(), z.string()) }),
  z.object({ action: z.literal('remove-properties'), removals: z.array(z.string()) }),
  z.object({ action: z.literal('remove-schemas'), 'schema-ids': z.array(z.int()) }),
  z.object({ action: z.literal('remove-partition-specs'), 'spec-ids': z.array(z.int()) }),
  z.looseObject({ action: z.literal('set-statistics'), statistics: statisticsJson }),
  z.looseObject({ action: z.literal('remove-statistics'), 'snapshot-id': id }),
])

export const commitRequest = z.looseObject({ requirements: z.array(requirement).default([]), updates: z.array(update) })

export type CommitRequest = z.infer<typeof commitRequest>

export const createRequest = z.looseObject({
  name: z.string(),
  location: z.string().nullish(),
  schema,
  'partition-spec': spec.nullish(),
  'write-order': order.nullish(),
  'stage-create': z.boolean().nullish(),
  properties: z.record(z.string(), z.string()).nullish(),
})

/** Throws COMMIT_CONFLICT with the requirement that does not hold. */
export function checkRequirements(current: TableMetadata | undefined, requirements: CommitRequest['requirements']): void {
  for (const one of requirements) {
    if (one.type === 'assert-create') {
      if (current !== undefined) throw conflict('the table already exists: load it, then try again')
      continue
    }
    if (current === undefined) throw new LakehouseError('TABLE_NOT_FOUND', 'the table does not exist: create it first')
    if (!holds(current, one))
      throw conflict(`the requirement ${one.type} does not hold: ${printExactJson(one)}; load the table, then try again`)
  }
}

function holds(current: TableMetadata, one: Exclude<CommitRequest['requirements'][number], { type: 'assert-create' }>): boolean {
  switch (one.type) {
    case 'assert-table-uuid':
      return current['table-uuid'] === one.uuid
    case 'assert-ref-snapshot-id': {
      const head = current.refs[one.ref]?.['snapshot-id']
      const wanted = one['snapshot-id'] ?? undefined
      return wanted === undefined ? head === undefined : sameId(head, wanted)
    }
    case 'assert-last-assigned-field-id':
      return current['last-column-id'] === one['last-assigned-field-id']
    case 'assert-current-schema-id':
      return current['current-schema-id'] === one['current-schema-id']
    case 'assert-last-assigned-partition-id':
      return current['last-partition-id'] === one['last-assigned-partition-id']
    case 'assert-default-spec-id':
      return current['default-spec-id'] === one['default-spec-id']
    case 'assert-default-sort-order-id':
      return current['default-sort-order-id'] === one['default-sort-order-id']
  }
}

function conflict(message: string): LakehouseError {
  return new LakehouseError('COMMIT_CONFLICT', message)
}

function invalid(message: string): LakehouseError {
  return new LakehouseError('SCHEMA_CHANGE_INVALID', message)
}

/** Metadata of a table that only has a location; updates then build the table from it. */
export function blankMetadata(location: string, nowMs: number): TableMetadata {
  const blank = newMetadata(location, { fields: [], partition: [], sort: [] }, nowMs)
  return {
    ...blank,
    schemas: [],
    'partition-specs': [],
    'sort-orders': [],
    'current-schema-id': -1,
    'default-spec-id': -1,
    'default-sort-order-id': -1,
  }
}

/** The metadata after all updates, in order. Throws SCHEMA_CHANGE_INVALID for an unsupported result, TABLE_REF_INVALID, SNAPSHOT_NOT_FOUND. */
export function applyUpdates(metadata: TableMetadata, updates: CommitRequest['updates'], nowMs: number): TableMetadata {
  let next = metadata
  // -1 means the last added one.
  const last = { schema: -1, spec: -1, order: -1 }
  for (const one of updates) next = applyUpdate(next, one, last, nowMs)
  if (next['current-schema-id'] === -1 || next.schemas.length === 0)
    throw invalid('the updates leave the table without a schema: add one with add-schema and set-current-schema')
  if (next['partition-specs'].length === 0) next = { ...next, 'partition-specs': [{ 'spec-id': 0, fields: [] }], 'default-spec-id': 0 }
  if (next['sort-orders'].length === 0) next = { ...next, 'sort-orders': [{ 'order-id': 0, fields: [] }], 'default-sort-order-id': 0 }
  requireWhole(next)
  return next
}

/** Checks that everything the metadata refers to exists and is supported. Otherwise the table could not be opened again. */
function requireWhole(metadata: TableMetadata): void {
  const ids = new Set(metadata.snapshots.map((snapshot) => BigInt(snapshot['snapshot-id'])))
  for (const [name, ref] of Object.entries(metadata.refs))
    if (!ids.has(BigInt(ref['snapshot-id'])))
      throw invalid(
        `the reference ${name} would point to snapshot ${ref['snapshot-id']}, which would not exist: remove the reference or keep the snapshot`,
      )
  const current = metadata['current-snapshot-id']
  if (current !== -1 && !ids.has(BigInt(current)))
    throw invalid(`the current snapshot ${current} would not exist: keep it, or make another snapshot current first`)
  const has = (list: readonly object[], name: string, wanted: number) =>
    list.some((one) => (one as Record<string, unknown>)[name] === wanted)
  if (!has(metadata.schemas, 'schema-id', metadata['current-schema-id']))
    throw invalid(`schema ${metadata['current-schema-id']} does not exist: add it with add-schema first`)
  if (!has(metadata['partition-specs'], 'spec-id', metadata['default-spec-id']))
    throw invalid(`partition spec ${metadata['default-spec-id']} does not exist: add it with add-spec first`)
  if (!has(metadata['sort-orders'], 'order-id', metadata['default-sort-order-id']))
    throw invalid(`sort order ${metadata['default-sort-order-id']} does not exist: add it with add-sort-order first`)
  shapeOf(metadata, metadata.location)
}

function applyUpdate(
  metadata: TableMetadata,
  one: CommitRequest['updates'][number],
  last: { schema: number; spec: number; order: number },
  nowMs: number,
): TableMetadata {
  switch (one.action) {
    case 'assign-uuid':
      return { ...metadata, 'table-uuid': one.uuid }
    case 'upgrade-format-version':
      if (one['format-version'] > 2) throw invalid(`format version ${one['format-version']} is not supported: use 1 or 2`)
      return metadata
    case 'add-schema':
      return addSchema(metadata, one.schema, last)
    case 'set-current-schema':
      return { ...metadata, 'current-schema-id': one['schema-id'] === -1 ? last.schema : one['schema-id'] }
    case 'add-spec':
      return addSpec(metadata, one.spec, last)
    case 'set-default-spec':
      return { ...metadata, 'default-spec-id': one['spec-id'] === -1 ? last.spec : one['spec-id'] }
    case 'add-sort-order':
      return addOrder(metadata, one['sort-order'], last)
    case 'set-default-sort-order':
      return { ...metadata, 'default-sort-order-id': one['sort-order-id'] === -1 ? last.order : one['sort-order-id'] }
    case 'add-snapshot': {
      const { snapshot } = one
      const same = metadata.snapshots.find((other) => sameId(other['snapshot-id'], snapshot['snapshot-id']))
      if (same !== undefined && printExactJson(same) !== printExactJson(snapshot))
        throw invalid(`snapshot ${snapshot['snapshot-id']} already exists with other content: choose another id`)
      if (same !== undefined) return metadata
      return withSnapshot(metadata, snapshot)
    }
    case 'set-snapshot-ref': {
      const { action: _action, 'ref-name': name, 'snapshot-id': snapshotId, type, ...more } = one
      const next = withRef(metadata, name, snapshotId, type, nowMs)
      return { ...next, refs: { ...next.refs, [name]: { ...more, 'snapshot-id': snapshotId, type } } }
    }
    case 'remove-snapshots': {
      const gone = new Set(one['snapshot-ids'].map(BigInt))
      const refs = Object.entries(metadata.refs).filter(([name, ref]) => name === 'main' || !gone.has(BigInt(ref['snapshot-id'])))
      return withoutSnapshots({ ...metadata, refs: Object.fromEntries(refs) }, one['snapshot-ids'])
    }
    case 'remove-snapshot-ref':
      return metadata.refs[one['ref-name']] === undefined ? metadata : withoutRef(metadata, one['ref-name'])
    case 'set-location':
      if (one.location.replace(/\/$/, '') !== metadata.location)
        throw invalid(`cannot change the location of a table: it stays at ${metadata.location}; remove set-location from the request`)
      return metadata
    case 'set-properties':
      return { ...metadata, properties: { ...metadata.properties, ...one.updates } }
    case 'remove-properties':
      return {
        ...metadata,
        properties: Object.fromEntries(Object.entries(metadata.properties).filter(([name]) => !one.removals.includes(name))),
      }
    case 'remove-schemas':
      return {
        ...metadata,
        schemas: metadata.schemas.filter(
          (known) => !one['schema-ids'].includes(known['schema-id']) || known['schema-id'] === metadata['current-schema-id'],
        ),
      }
    case 'remove-partition-specs':
      return {
        ...metadata,
        'partition-specs': metadata['partition-specs'].filter(
          (known) => !one['spec-ids'].includes(known['spec-id']) || known['spec-id'] === metadata['default-spec-id'],
        ),
      }
    case 'set-statistics':
      return {
        ...metadata,
        statistics: [
          ...(metadata.statistics ?? []).filter((other) => !sameId(other['snapshot-id'], one.statistics['snapshot-id'])),
          one.statistics,
        ],
      }
    case 'remove-statistics':
      return { ...metadata, statistics: (metadata.statistics ?? []).filter((other) => !sameId(other['snapshot-id'], one['snapshot-id'])) }
  }
}

function addSchema(metadata: TableMetadata, added: z.infer<typeof schema>, last: { schema: number }): TableMetadata {
  for (const { name, type } of added.fields)
    if (typeof type !== 'string' || parseType(type) === undefined)
      throw invalid(`column ${name} has the unsupported type ${JSON.stringify(type)}: use a primitive Iceberg type`)
  const equal = metadata.schemas.find((known) => JSON.stringify(known.fields) === JSON.stringify(added.fields))
  if (equal !== undefined) {
    last.schema = equal['schema-id']
    return metadata
  }
  last.schema = Math.max(-1, ...metadata.schemas.map((known) => known['schema-id'])) + 1
  const lastId = Math.max(metadata['last-column-id'], ...added.fields.map((field) => field.id))
  return { ...metadata, 'last-column-id': lastId, schemas: [...metadata.schemas, { ...added, type: 'struct', 'schema-id': last.schema }] }
}

function addSpec(metadata: TableMetadata, added: z.infer<typeof spec>, last: { spec: number }): TableMetadata {
  let lastId = Math.max(metadata['last-partition-id'], FIRST_PARTITION_ID - 1)
  const fields = added.fields.map((field) => {
    if (!isTransform(field.transform))
      throw invalid(`cannot partition by ${field.transform}: use identity, year, month, day, hour, bucket[N], truncate[N] or void`)
    const fieldId = field['field-id'] ?? ++lastId
    lastId = Math.max(lastId, fieldId)
    return { name: field.name, transform: field.transform, 'source-id': field['source-id'], 'field-id': fieldId }
  })
  const equal = metadata['partition-specs'].find((known) => JSON.stringify(known.fields) === JSON.stringify(fields))
  last.spec = equal?.['spec-id'] ?? Math.max(-1, ...metadata['partition-specs'].map((known) => known['spec-id'])) + 1
  const specs = equal === undefined ? [...metadata['partition-specs'], { 'spec-id': last.spec, fields }] : metadata['partition-specs']
  return { ...metadata, 'last-partition-id': lastId, 'partition-specs': specs }
}

function addOrder(metadata: TableMetadata, added: z.infer<typeof order>, last: { order: number }): TableMetadata {
  const equal = metadata['sort-orders'].find((known) => JSON.stringify(known.fields) === JSON.stringify(added.fields))
  const ids = metadata['sort-orders'].map((known) => known['order-id'])
  // 0 is the order of unsorted tables.
  last.order = equal?.['order-id'] ?? (added.fields.length === 0 ? 0 : Math.max(0, ...ids) + 1)
  const orders =
    equal === undefined ? [...metadata['sort-orders'], { 'order-id': last.order, fields: added.fields }] : metadata['sort-orders']
  return { ...metadata, 'sort-orders': orders }
}

/** A new table as the client describes it. Column ids of the client are ignored: columns are numbered again in their order. */
export function createdMetadata(location: string, request: z.infer<typeof createRequest>, nowMs: number): TableMetadata {
  const ids = new Map(request.schema.fields.map((field, index) => [field.id, index + 1]))
  const sourceOf = (old: number) => {
    const found = ids.get(old)
    if (found === undefined) throw invalid(`a column with the id ${old} does not exist: partition and sort by columns of the schema`)
    return found
  }
  const fields = request.schema.fields.map((field, index) => ({ ...field, id: index + 1 }))
  const parts = (request['partition-spec']?.fields ?? []).map((part, index) => ({
    ...part,
    'source-id': sourceOf(part['source-id']),
    'field-id': FIRST_PARTITION_ID + index,
  }))
  const sorts = (request['write-order']?.fields ?? []).map((part) => ({ ...part, 'source-id': sourceOf(part['source-id']) }))
  return applyUpdates(
    blankMetadata(location, nowMs),
    [
      { action: 'add-schema', schema: { fields } },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec: { fields: parts } },
      { action: 'set-default-spec', 'spec-id': -1 },
      { action: 'add-sort-order', 'sort-order': { fields: [] } },
      { action: 'add-sort-order', 'sort-order': { fields: sorts } },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
      { action: 'set-properties', updates: request.properties ?? {} },
    ],
    nowMs,
  )
}
