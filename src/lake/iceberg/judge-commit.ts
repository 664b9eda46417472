import { LakehouseError } from '../../core/errors.ts'
import { canWiden } from './evolve.ts'
import { type Snapshot, sameId, type TableMetadata } from './metadata.ts'
import { parseType } from './values.ts'

// What a commit of another client may change. Rules of schema evolution: https://iceberg.apache.org/spec/#schema-evolution

/** Clocks of clients may differ by this much from ours. */
const SKEW_MS = 10 * 60_000

/** Characters of all properties together. */
const PROPERTIES_MOST = 1 << 20

/** Longest name of a column, reference or property. */
const NAME_MOST = 500

type Field = { readonly id: number; readonly name: string; readonly required: boolean; readonly type: unknown }

/**
 * Checks the metadata of a commit against the metadata before it, and against the time now. Throws SCHEMA_CHANGE_INVALID for a change that would make existing rows
 * unreadable or different, TABLE_REF_INVALID, and COMMIT_CONFLICT for a snapshot that was made from an older state.
 */
export function judgeCommit(before: TableMetadata | undefined, next: TableMetadata, nowMs: number): void {
  if (before !== undefined && before['table-uuid'] !== next['table-uuid'])
    throw invalid(`the uuid of the table is ${before['table-uuid']} and cannot change: take assign-uuid out of the request`)
  judgeProperties(next)
  judgeSchemas(before, next)
  judgeSpecs(next)
  judgeOrders(next)
  judgeSnapshots(before, next, nowMs)
  for (const [name, ref] of Object.entries(next.refs)) judgeRef(name, ref)
}

function invalid(message: string): LakehouseError {
  return new LakehouseError('SCHEMA_CHANGE_INVALID', message)
}

function judgeProperties({ properties }: TableMetadata): void {
  const size = Object.entries(properties).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (size > PROPERTIES_MOST) throw invalid(`the properties have ${size} characters: keep them below ${PROPERTIES_MOST}`)
  for (const name of Object.keys(properties)) requireName('property', name)
}

function requireName(what: string, name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (name === '' || name.length > NAME_MOST || /[\0-\x1f\x7f]/.test(name))
    throw invalid(`a ${what} needs a name of 1 to ${NAME_MOST} printable characters`)
}

function judgeSchemas(before: TableMetadata | undefined, next: TableMetadata): void {
  const known = new Set(before?.schemas.map((schema) => schema['schema-id']))
  for (const schema of next.schemas) {
    if (known.has(schema['schema-id'])) continue
    requireUnique(`schema ${schema['schema-id']}`, schema.fields)
  }
  const current = fieldsOf(next, next['current-schema-id'])
  if (current.length === 0) throw invalid('the schema has no columns: add at least one')
  const highest = Math.max(...next.schemas.flatMap((schema) => schema.fields.map(({ id }) => id)))
  if (next['last-column-id'] < highest || (before !== undefined && next['last-column-id'] < before['last-column-id']))
    throw invalid(`last-column-id is ${next['last-column-id']}, but the table has a column with id ${highest}`)
  if (before === undefined || before.snapshots.length === 0) return
  const former = fieldsOf(before, before['current-schema-id'])
  for (const field of current) {
    const sameName = former.find(({ name }) => name === field.name)
    if (sameName !== undefined && sameName.id !== field.id && current.some(({ id }) => id === sameName.id))
      throw invalid(`column ${field.name} would read the values of another column: its id is ${sameName.id}, not ${field.id}`)
    for (const schema of before.schemas)
      for (const old of schema.fields) {
        if (old.id !== field.id) continue
        if (!canRead(old, field))
          throw invalid(`column ${field.name} cannot change from ${String(old.type)} to ${String(field.type)}: types can only become wider`)
        if (!old.required && field.required && schema['schema-id'] === before['current-schema-id'])
          throw invalid(`column ${field.name} is optional and has rows: it cannot become required`)
      }
    const isNew = !before.schemas.some((schema) => schema.fields.some(({ id }) => id === field.id))
    if (isNew && field.required)
      throw invalid(`column ${field.name} is new and required, but the table has rows without it: make it optional`)
    if (isNew && field.id <= before['last-column-id'])
      throw invalid(`column ${field.name} uses the id ${field.id} again: new ids begin at ${before['last-column-id'] + 1}`)
  }
}

/** Whether the values of a file with the old type can be read as the new one. */
function canRead(old: Field, now: Field): boolean {
  if (old.type === now.type) return true
  const [from, to] = [parseType(String(old.type)), parseType(String(now.type))]
  return from !== undefined && to !== undefined && (from === to || canWiden(from, to))
}

function requireUnique(what: string, fields: readonly Field[]): void {
  const [ids, names] = [new Set<number>(), new Set<string>()]
  for (const { id, name } of fields) {
    requireName('column', name)
    if (!Number.isSafeInteger(id) || id < 1) throw invalid(`${what}: column ${name} has the id ${id}; ids are positive integers`)
    if (ids.has(id)) throw invalid(`${what} has two columns with the id ${id}`)
    // SQL engines do not tell them apart.
    if (names.has(name.toLowerCase())) throw invalid(`${what} has two columns with the name ${name}, or names that differ only in case`)
    ids.add(id)
    names.add(name.toLowerCase())
  }
}

function fieldsOf(metadata: TableMetadata, schemaId: number): readonly Field[] {
  return metadata.schemas.find((schema) => schema['schema-id'] === schemaId)?.fields ?? []
}

function judgeSpecs(next: TableMetadata): void {
  const current = new Set(fieldsOf(next, next['current-schema-id']).map(({ id }) => id))
  const every = new Set(next.schemas.flatMap((schema) => schema.fields.map(({ id }) => id)))
  for (const { 'spec-id': specId, fields } of next['partition-specs']) {
    const names = new Set<string>()
    const ids = new Set<number>()
    for (const field of fields) {
      requireName('partition field', field.name)
      const known = specId === next['default-spec-id'] ? current : every
      if (!known.has(field['source-id']))
        throw invalid(`partition spec ${specId}: ${field.name} is made from column ${field['source-id']}, which does not exist`)
      if (names.has(field.name) || ids.has(field['field-id']))
        throw invalid(`partition spec ${specId}: the name or id of ${field.name} is used twice`)
      names.add(field.name)
      ids.add(field['field-id'])
    }
  }
}

function judgeOrders(next: TableMetadata): void {
  const current = new Set(fieldsOf(next, next['current-schema-id']).map(({ id }) => id))
  const order = next['sort-orders'].find((one) => one['order-id'] === next['default-sort-order-id'])
  for (const field of order?.fields ?? [])
    if (!current.has(field['source-id'])) throw invalid(`the sort order names column ${field['source-id']}, which does not exist`)
}

function judgeSnapshots(before: TableMetadata | undefined, next: TableMetadata, nowMs: number): void {
  const schemas = new Set(next.schemas.map((schema) => schema['schema-id']))
  for (const snapshot of next.snapshots) {
    const schemaId = snapshot['schema-id']
    if (schemaId !== undefined && schemaId !== null && !schemas.has(schemaId))
      throw invalid(`snapshot ${snapshot['snapshot-id']} has schema ${schemaId}, which the table does not have`)
  }
  let sequence = before?.['last-sequence-number'] ?? 0
  const latestMs = Math.max(0, ...(before?.snapshots ?? []).map((snapshot) => snapshot['timestamp-ms']))
  for (const snapshot of addedSnapshots(before, next)) {
    const id = snapshot['snapshot-id']
    if (BigInt(id) < 0n) throw invalid(`snapshot ${id}: ids are not negative`)
    const number = Number(snapshot['sequence-number'] ?? 0)
    if (number !== sequence + 1)
      throw new LakehouseError(
        'COMMIT_CONFLICT',
        `snapshot ${id} has sequence number ${number}, but the next one is ${sequence + 1}: load the table, then try again`,
      )
    sequence = number
    const atMs = snapshot['timestamp-ms']
    if (atMs > nowMs + SKEW_MS || atMs < latestMs - SKEW_MS)
      throw invalid(
        `snapshot ${id} has the time ${atMs}, which is not between the last snapshot (${latestMs}) and now (${nowMs}): check the clock`,
      )
    const parent = snapshot['parent-snapshot-id']
    if (parent !== undefined && parent !== null && !next.snapshots.some((other) => sameId(other['snapshot-id'], parent as number)))
      throw invalid(`snapshot ${id} has the parent ${String(parent)}, which does not exist`)
    if (typeof snapshot['manifest-list'] !== 'string') throw invalid(`snapshot ${id} has no manifest list`)
  }
}

/** The snapshots that a commit brings, in their order. */
export function addedSnapshots(before: TableMetadata | undefined, next: TableMetadata): Snapshot[] {
  return next.snapshots.filter(
    (snapshot) => before?.snapshots.some((other) => sameId(other['snapshot-id'], snapshot['snapshot-id'])) !== true,
  )
}

function judgeRef(name: string, ref: object): void {
  requireName('reference', name)
  for (const [key, value] of Object.entries(ref))
    if (/^(max-|min-)/.test(key) && value !== null && !(typeof value === 'number' && Number.isSafeInteger(value) && value > 0))
      throw new LakehouseError('TABLE_REF_INVALID', `reference ${name}: ${key} must be a positive integer, not ${String(value)}`)
}
