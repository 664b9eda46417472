import type { DataFile } from './manifest.ts'
import type { ManifestLine } from './manifest-list.ts'
import type { Snapshot } from './metadata.ts'
import { partitionValue, type TableShape } from './schema.ts'
import { entriesOf, manifestsOf, type Table } from './table.ts'
import { type ColumnValue, compareValues } from './values.ts'

/** A condition on one column; a scan's conditions hold together. Instants are microseconds. */
export type Predicate =
  | { readonly column: string; readonly op: '=' | '<' | '<=' | '>' | '>='; readonly value: ColumnValue }
  | { readonly column: string; readonly op: 'in'; readonly values: readonly ColumnValue[] }

export type ScanPlan = {
  readonly files: readonly DataFile[]
  readonly manifestsRead: number
  readonly manifestsSkipped: number
  readonly filesSkipped: number
}

/** The files of a snapshot that may hold rows for which every predicate holds, judged by partition and by column bounds. */
export async function planScan(table: Table, snapshot: Snapshot | undefined, predicates: readonly Predicate[]): Promise<ScanPlan> {
  const files: DataFile[] = []
  let manifestsRead = 0
  let manifestsSkipped = 0
  let filesSkipped = 0
  for (const line of snapshot === undefined ? [] : await manifestsOf(table, snapshot)) {
    if (!manifestMayMatch(table.shape, line, predicates)) {
      manifestsSkipped++
      filesSkipped += line.added.files + line.existing.files
      continue
    }
    manifestsRead++
    for (const { status, file } of await entriesOf(table, line)) {
      if (status === 'deleted') continue
      if (fileMayMatch(table.shape, file, predicates)) files.push(file)
      else filesSkipped++
    }
  }
  return { files, manifestsRead, manifestsSkipped, filesSkipped }
}

function manifestMayMatch(shape: TableShape, line: ManifestLine, predicates: readonly Predicate[]): boolean {
  const { partition } = shape
  const range = line.partitions
  if (partition === undefined || range === undefined) return true
  return onColumn(predicates, partition.source).every((predicate) =>
    mayMatch(onPartition(predicate, partition.transform), range.lower, range.upper),
  )
}

function fileMayMatch(shape: TableShape, file: DataFile, predicates: readonly Predicate[]): boolean {
  const { partition } = shape
  const value = file.partition
  if (partition !== undefined && value !== undefined) {
    if (!onColumn(predicates, partition.source).every((predicate) => mayMatch(onPartition(predicate, partition.transform), value, value)))
      return false
  }
  return predicates.every((predicate) => {
    const id = shape.fields.find((field) => field.name === predicate.column)?.id
    const lower = id === undefined ? undefined : file.lower.get(id)
    const upper = id === undefined ? undefined : file.upper.get(id)
    return lower === undefined || upper === undefined || mayMatch(predicate, lower, upper)
  })
}

function onColumn(predicates: readonly Predicate[], column: string): Predicate[] {
  return predicates.filter((predicate) => predicate.column === column)
}

/** The same condition on the partition's value: a strict one becomes weak, because a partition holds many instants. */
function onPartition(predicate: Predicate, transform: 'month' | 'year'): Predicate {
  const transformed = (value: ColumnValue) => partitionValue(transform, Number(value))
  if (predicate.op === 'in') return { ...predicate, values: predicate.values.map(transformed) }
  const op = predicate.op === '<' ? '<=' : predicate.op === '>' ? '>=' : predicate.op
  return { ...predicate, op, value: transformed(predicate.value) }
}

/** Whether a value within [lower, upper] may fulfil the predicate. */
function mayMatch(predicate: Predicate, lower: ColumnValue, upper: ColumnValue): boolean {
  switch (predicate.op) {
    case '=':
      return within(predicate.value, lower, upper)
    case 'in':
      return predicate.values.some((value) => within(value, lower, upper))
    case '<':
      return compareValues(lower, predicate.value) < 0
    case '<=':
      return compareValues(lower, predicate.value) <= 0
    case '>':
      return compareValues(upper, predicate.value) > 0
    case '>=':
      return compareValues(upper, predicate.value) >= 0
  }
}

function within(value: ColumnValue, lower: ColumnValue, upper: ColumnValue): boolean {
  return compareValues(lower, value) <= 0 && compareValues(value, upper) <= 0
}
