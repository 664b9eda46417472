import type { DataFile } from './manifest.ts'
import type { ManifestLine, PartitionSummary } from './manifest-list.ts'
import { manifestShapeOf, type Snapshot } from './metadata.ts'
import type { IcebergField, PartitionField, TableShape } from './schema.ts'
import { manifestsOf, plannedEntries, type Table } from './table.ts'
import { applyTransform, keepsOrder, type Transform } from './transform.ts'
import { type ColumnValue, compareValues, type IcebergType, isFloating } from './values.ts'

/** A condition on one column. All conditions of a scan must hold. Values are as in `ColumnValue`. */
export type Predicate =
  | { readonly column: string; readonly op: '=' | '<' | '<=' | '>' | '>='; readonly value: ColumnValue }
  | { readonly column: string; readonly op: 'in'; readonly values: readonly ColumnValue[] }
  | { readonly column: string; readonly op: 'starts with'; readonly value: string }
  | { readonly column: string; readonly op: 'is null' }
  | { readonly column: string; readonly op: 'is not null' }

export type ScanPlan = {
  /** With the statistics of only those columns that the predicates name. */
  readonly files: readonly DataFile[]
  readonly manifestsRead: number
  readonly manifestsSkipped: number
  readonly filesSkipped: number
  /** How many files were skipped because of their partition, and because of their column bounds. */
  readonly skippedBy: { readonly partition: number; readonly bounds: number }
}

/** What is known about the values of a column in a file, or of a partition field in a manifest. */
export type Known = {
  readonly lower: ColumnValue | undefined
  readonly upper: ColumnValue | undefined
  readonly nulls: 'some' | 'none' | 'all' | 'unknown'
  /** Whether NaN may be among the values. */
  readonly mayHaveNan?: boolean
}

type PartitionPart = PartitionField & { readonly type: IcebergType }

/**
 * The files of a snapshot that may have rows that match every predicate, selected by partition and column bounds. Columns have the names of the shape,
 * by default of the current one.
 */
export async function planScan(
  table: Table,
  snapshot: Snapshot | undefined,
  predicates: readonly Predicate[],
  { fields }: TableShape = table.shape,
): Promise<ScanPlan> {
  const files: DataFile[] = []
  const fieldsOfSpec = fieldsBySpec(table, fields)
  const columns = new Set(fields.filter(({ name }) => predicates.some((predicate) => predicate.column === name)).map(({ id }) => id))
  let manifestsRead = 0
  let manifestsSkipped = 0
  let [byPartition, byBounds] = [0, 0]
  for (const line of snapshot === undefined ? [] : await manifestsOf(table, snapshot)) {
    const parts = fieldsOfSpec(line.specId)
    if (!manifestMayMatch(parts, line, predicates)) {
      manifestsSkipped++
      byPartition += line.added.files + line.existing.files
      continue
    }
    manifestsRead++
    for (const { status, file } of await plannedEntries(table, line, columns)) {
      if (status === 'deleted') continue
      if (!partitionMayMatch(parts, file, predicates)) byPartition++
      else if (!boundsMayMatch(fields, file, predicates)) byBounds++
      else files.push(file)
    }
  }
  return {
    files,
    manifestsRead,
    manifestsSkipped,
    filesSkipped: byPartition + byBounds,
    skippedBy: { partition: byPartition, bounds: byBounds },
  }
}

/** The fields of a spec with the types of their sources, under the column names of the shape that is read. */
function fieldsBySpec(table: Table, named: readonly IcebergField[]): (specId: number) => readonly PartitionPart[] {
  const known = new Map<number, readonly PartitionPart[]>()
  return (specId) => {
    const found = known.get(specId)
    if (found !== undefined) return found
    const { fields, partition } = manifestShapeOf(table.metadata, specId, table.root)
    const parts = partition.flatMap((part) => {
      const source = fields.find((field) => field.name === part.source)
      const name = named.find((field) => field.id === source?.id)?.name
      return source === undefined ? [] : [{ ...part, source: name ?? '', type: source.type }]
    })
    const made = parts.length === partition.length ? parts : []
    known.set(specId, made)
    return made
  }
}

function manifestMayMatch(parts: readonly PartitionPart[], line: ManifestLine, predicates: readonly Predicate[]): boolean {
  return parts.every((part, index) => {
    const summary = line.partitions[index]
    return summary === undefined || fieldMayMatch(part, ofSummary(summary), predicates)
  })
}

function ofSummary({ lower, upper, containsNull }: PartitionSummary): Known {
  return { lower, upper, nulls: containsNull ? (lower === undefined ? 'all' : 'some') : 'none' }
}

function partitionMayMatch(parts: readonly PartitionPart[], file: DataFile, predicates: readonly Predicate[]): boolean {
  return parts.every((part, index) => {
    const value = file.partition[index]
    if (value === undefined) return true
    return fieldMayMatch(part, { lower: value ?? undefined, upper: value ?? undefined, nulls: value === null ? 'all' : 'none' }, predicates)
  })
}

function fieldMayMatch(part: PartitionPart, known: Known, predicates: readonly Predicate[]): boolean {
  if (part.transform === 'void') return true
  return predicates.every((predicate) => {
    if (predicate.column !== part.source) return true
    const moved = onPartitionField(predicate, part)
    return moved === undefined || mayMatch(moved, { ...known, mayHaveNan: isFloating(part.type) && known.lower !== known.upper })
  })
}

/** The same condition on the partition value; weaker when a partition has many values, undefined when the condition says nothing about it. */
function onPartitionField(predicate: Predicate, { transform, type }: PartitionPart): Predicate | undefined {
  const transformed = (value: ColumnValue) => applyTransform(transform, type, value) ?? value
  switch (predicate.op) {
    case 'is null':
    case 'is not null':
      return predicate
    case 'in':
      return { ...predicate, values: predicate.values.map(transformed) }
    case '=':
      return { ...predicate, value: transformed(predicate.value) }
    case 'starts with':
      return onPrefix(predicate, transform)
  }
  if (!keepsOrder(transform)) return undefined
  if (transform === 'identity') return predicate
  const op = predicate.op === '<' ? '<=' : predicate.op === '>' ? '>=' : predicate.op
  return { ...predicate, op, value: transformed(predicate.value) }
}

function onPrefix(predicate: Extract<Predicate, { op: 'starts with' }>, transform: Transform): Predicate | undefined {
  if (transform === 'identity') return predicate
  if (!transform.startsWith('truncate')) return undefined
  const width = Number(/\d+/.exec(transform)?.[0])
  const letters = [...predicate.value]
  return letters.length <= width ? predicate : { column: predicate.column, op: '=', value: letters.slice(0, width).join('') }
}

function boundsMayMatch(fields: readonly IcebergField[], file: DataFile, predicates: readonly Predicate[]): boolean {
  return predicates.every((predicate) => {
    const field = fields.find((one) => one.name === predicate.column)
    if (field === undefined) return true
    const { id } = field
    const nulls = file.nulls.get(id)
    return mayMatch(predicate, {
      lower: file.lower.get(id),
      upper: file.upper.get(id),
      nulls: nulls === undefined ? 'unknown' : nulls === 0 ? 'none' : nulls === file.rows ? 'all' : 'some',
      mayHaveNan: mayHaveNan(file, field),
    })
  })
}

/** Whether a column of a file may hold NaN. Files of our own that do have no bounds; other writers count NaN, or do not say. */
export function mayHaveNan(file: Pick<DataFile, 'nans'>, field: Pick<IcebergField, 'id' | 'type'>): boolean {
  return isFloating(field.type) && file.nans?.get(field.id) !== 0
}

/** Whether the known values may match the predicate. */
export function mayMatch(predicate: Predicate, { lower, upper, nulls, mayHaveNan: nan = false }: Known): boolean {
  if (predicate.op === 'is null') return nulls !== 'none'
  // All other conditions are false for null.
  if (nulls === 'all') return false
  if (predicate.op === 'is not null' || lower === undefined || upper === undefined) return true
  switch (predicate.op) {
    case '=':
      return within(predicate.value, lower, upper)
    case 'in':
      return predicate.values.some((value) => within(value, lower, upper))
    case 'starts with':
      // Values with the prefix are between the prefix itself and the prefix followed by the greatest letters.
      return (
        compareValues(String(upper), predicate.value) >= 0 &&
        compareValues(truncatedLike(String(lower), predicate.value), predicate.value) <= 0
      )
    case '<':
      return compareValues(lower, predicate.value) < 0
    case '<=':
      return compareValues(lower, predicate.value) <= 0
    // NaN is greater than every number, and bounds leave it out.
    case '>':
      return nan || compareValues(upper, predicate.value) > 0
    case '>=':
      return nan || compareValues(upper, predicate.value) >= 0
  }
}

function truncatedLike(text: string, like: string): string {
  return [...text].slice(0, [...like].length).join('')
}

function within(value: ColumnValue, lower: ColumnValue, upper: ColumnValue): boolean {
  return compareValues(lower, value) <= 0 && compareValues(value, upper) <= 0
}
