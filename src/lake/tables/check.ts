import { asLakehouseError } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import { type DuckDBSession, quote, quoteName } from '../../platform/duckdb/session.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { manifestShapeOf, sameId } from '../iceberg/metadata.ts'
import { nameMapping } from '../iceberg/name-mapping.ts'
import { entriesOf, keyOf, liveFiles, loadTable, manifestsOf, snapshotOf, type Table } from '../iceberg/table.ts'
import { compareValues, isFloating } from '../iceberg/values.ts'
import { tableName } from '../layout.ts'
import { plainSql, plainValue } from './plain-value.ts'
import { orFinding } from './unreadable.ts'

/**
 * Compares the metadata of a table with its files: counters with manifests, and entries with data files (size, rows, nulls, bounds, field ids, order of the ids).
 * Returns the differences. Reads every live file.
 */
export async function checkTable(store: ObjectStore, session: DuckDBSession, root: string): Promise<Finding[]> {
  const findings: Finding[] = []
  const find = (check: string, explanation: string) => void findings.push(wholeFinding(tableName(root), check, 'error', 1, explanation))
  await orFinding(root, findings, async () => {
    const table = await loadTable(store, root)
    if (table === undefined) return find('table_missing', `table ${root} does not exist`)
    checkRefs(table, find)
    await checkManifests(table, find)
    for await (const file of liveFiles(table, snapshotOf(table, undefined))) await checkFile(table, session, file, find)
  })
  return findings
}

type Find = (check: string, explanation: string) => void

function checkRefs({ metadata }: Table, find: Find): void {
  const ids = new Set(metadata.snapshots.map((snapshot) => BigInt(snapshot['snapshot-id'])))
  for (const [name, ref] of Object.entries(metadata.refs))
    if (!ids.has(BigInt(ref['snapshot-id'])))
      find('ref', `the reference ${name} points to snapshot ${ref['snapshot-id']}, which does not exist`)
  const current = metadata['current-snapshot-id']
  if (current !== -1 && metadata.refs['main'] !== undefined && !sameId(metadata.refs['main']['snapshot-id'], current))
    find('ref', 'the current snapshot is not the head of the branch main')
  for (const snapshot of metadata.snapshots)
    if (snapshot['sequence-number'] > metadata['last-sequence-number'])
      find('sequence', `snapshot ${snapshot['snapshot-id']} has a sequence number larger than the last one of the table`)
}

async function checkManifests(table: Table, find: Find): Promise<void> {
  const snapshot = snapshotOf(table, undefined)
  if (snapshot === undefined) return
  let [files, rows] = [0, 0]
  const seen = new Set<string>()
  for (const line of await manifestsOf(table, snapshot)) {
    const size = (await table.store.head(keyOf(table.store, line.path)))?.size
    if (size !== line.bytes)
      find('manifest_size', `manifest ${line.path} has ${size ?? 'no'} bytes, but the manifest list says ${line.bytes}`)
    const entries = await entriesOf(table, line)
    for (const status of ['added', 'existing', 'deleted'] as const) {
      const some = entries.filter((entry) => entry.status === status)
      const found = some.reduce((sum, entry) => sum + entry.file.rows, 0)
      if (some.length !== line[status].files || found !== line[status].rows)
        find(
          'manifest_counts',
          `manifest ${line.path} has ${some.length} ${status} files with ${found} rows, but the manifest list says ${line[status].files} files with ${line[status].rows} rows`,
        )
    }
    for (const { status, file } of entries) {
      if (status === 'deleted') continue
      if (seen.has(file.path)) find('file_twice', `${file.path} is in the snapshot twice`)
      seen.add(file.path)
      files++
      rows += file.rows
      file.partition.forEach((value, index) => {
        const known = line.partitions[index]
        const isWithin =
          value === null
            ? known?.containsNull !== false
            : known?.lower !== undefined &&
              known.upper !== undefined &&
              compareValues(known.lower, value) <= 0 &&
              compareValues(value, known.upper) <= 0
        if (!isWithin) find('manifest_bounds', `${file.path} is in partition ${value}, which is outside the bounds of its manifest`)
      })
    }
  }
  const told = { files: Number(snapshot.summary['total-data-files'] ?? files), rows: Number(snapshot.summary['total-records'] ?? rows) }
  if (told.files !== files || told.rows !== rows)
    find(
      'summary',
      `the summary of the snapshot says ${told.files} files and ${told.rows} rows, but its manifests have ${files} files and ${rows} rows`,
    )
}

/** The differences between the manifest entry of a file and its content: size, rows, nulls, bounds, field ids. Empty if there are none. */
export async function fileDifferences(table: Table, session: DuckDBSession, file: DataFile): Promise<string[]> {
  const found: string[] = []
  await checkFile(table, session, file, (_check, explanation) => void found.push(explanation))
  return found
}

/** A file that the engine cannot read is one finding; the other files are still checked. */
async function checkFile(table: Table, session: DuckDBSession, file: DataFile, find: Find): Promise<void> {
  const key = keyOf(table.store, file.path)
  const info = await table.store.head(key)
  if (info === undefined) return find('file_missing', `${file.path} does not exist`)
  if (info.size !== file.bytes) find('file_size', `${file.path} has ${info.size} bytes, but its manifest entry says ${file.bytes}`)
  try {
    await checkContent(table, session, file, quote(await table.store.files.open(key)), find)
  } catch (error) {
    if (asLakehouseError(error).code !== 'QUERY_FAILED') throw error
    find('unreadable', `${file.path}: ${asLakehouseError(error).message}`)
  }
}

async function checkContent(table: Table, session: DuckDBSession, file: DataFile, path: string, find: Find): Promise<void> {
  const schema = await session.rows(`SELECT name, field_id FROM parquet_schema(${path}) WHERE num_children IS NULL`)
  const { fields } = manifestShapeOf(table.metadata, file.specId, table.root)
  const mapping = nameMapping(table.metadata, table.root)
  const hasIds = schema.some((row) => row['field_id'] !== null)
  const idOf = (row: Record<string, unknown>) => (hasIds ? (row['field_id'] ?? undefined) : mapping?.get(String(row['name'])))
  if (hasIds ? schema.some((row) => row['field_id'] === null) : mapping === undefined)
    find('field_ids', `${file.path} has columns without field ids`)
  const held = new Map(schema.map((row) => [Number(idOf(row)), String(row['name'])]))
  const columns = fields.filter((field) => held.has(field.id))
  const sql = columns.flatMap(({ id, type }) => {
    const name = quoteName(held.get(id) ?? '')
    // NaN is not part of bounds.
    const value = isFloating(type) ? `CASE WHEN isnan(${name}) THEN NULL ELSE ${name} END` : plainSql(name, type)
    return [`count(*) FILTER (${name} IS NULL) AS nulls_${id}`, `min(${value}) AS min_${id}`, `max(${value}) AS max_${id}`]
  })
  const [row] = await session.jsonRows(
    `SELECT ${['count(*) AS n', ...sql].join(', ')} FROM read_parquet(${path}, hive_partitioning = false)`,
  )
  if (Number(row?.['n']) !== file.rows) find('file_rows', `${file.path} has ${row?.['n']} rows, but its manifest entry says ${file.rows}`)
  for (const { id, name, type } of columns) {
    const nulls = file.nulls.get(id)
    if (nulls !== undefined && nulls !== Number(row?.[`nulls_${id}`]))
      find('file_nulls', `${file.path}: ${row?.[`nulls_${id}`]} nulls in ${name}, but its manifest entry says ${nulls}`)
    const [lower, upper] = [file.lower.get(id), file.upper.get(id)]
    const [min, max] = [plainValue(type, row?.[`min_${id}`]), plainValue(type, row?.[`max_${id}`])]
    if (
      (lower !== undefined && min !== null && compareValues(min, lower) < 0) ||
      (upper !== undefined && max !== null && compareValues(max, upper) > 0)
    )
      find('file_bounds', `${file.path}: ${name} is in [${min}, ${max}], but its manifest entry says [${lower}, ${upper}]`)
  }
}
