import { type Finding, wholeFinding } from '../../core/finding.ts'
import { formatInstant } from '../../core/time.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { manifestShapeOf, sameId, shownId, WRITE_PROPERTIES } from '../iceberg/metadata.ts'
import { shownValue } from '../iceberg/partition-folder.ts'
import { currentFiles, liveFiles, manifestsOf, metadataKey, snapshotOf, type Table, urlOf } from '../iceberg/table.ts'
import { compareValues } from '../iceberg/values.ts'
import { tableName } from '../layout.ts'
import { compactable, MANY_FILES, SMALL_FILE } from './compact.ts'
import { ancestors } from './maintain.ts'
import { timeRange } from './status.ts'
import { partName } from './write-rows.ts'

const timeOf = (ms: number) => formatInstant(ms * 1000)

/** Everything in the metadata of a table, except snapshots and files. */
export function describeTable(table: Table) {
  const { metadata, shape, store, root, version } = table
  const snapshot = snapshotOf(table, undefined)
  return {
    name: tableName(root),
    location: metadata.location,
    metadataLocation: urlOf(store, metadataKey(root, version)),
    uuid: metadata['table-uuid'],
    snapshotId: snapshot === undefined ? null : shownId(snapshot['snapshot-id']),
    updatedAt: timeOf(metadata['last-updated-ms']),
    schema: shape.fields.map(({ id, name, type, doc }) => ({ id, name, type, doc: doc ?? null })),
    partitionSpec: shape.partition.map(({ source, transform, name }) => ({ source, transform, name })),
    sortOrder: shape.sort,
    properties: metadata.properties,
    refs: Object.entries(metadata.refs).map(([name, ref]) => ({ name, type: ref.type, snapshotId: shownId(ref['snapshot-id']) })),
    schemas: metadata.schemas.length,
    specs: metadata['partition-specs'].length,
    snapshots: metadata.snapshots.length,
  }
}

/** The snapshots that the table has, oldest first. */
export function listSnapshots({ metadata }: Table) {
  return metadata.snapshots.map((snapshot) => {
    const { operation = '', ...summary } = snapshot.summary
    return {
      snapshotId: shownId(snapshot['snapshot-id']),
      parentId:
        snapshot['parent-snapshot-id'] === undefined || snapshot['parent-snapshot-id'] === null
          ? null
          : shownId(snapshot['parent-snapshot-id']),
      time: timeOf(snapshot['timestamp-ms']),
      operation,
      refs: Object.entries(metadata.refs).flatMap(([name, ref]) => (sameId(ref['snapshot-id'], snapshot['snapshot-id']) ? [name] : [])),
      summary,
    }
  })
}

/** The current snapshots over time, oldest first, each with the time when it became current. */
export function listHistory(table: Table) {
  const line = new Set(ancestors(table).map((snapshot) => BigInt(snapshot['snapshot-id'])))
  return table.metadata['snapshot-log'].map((entry) => ({
    time: timeOf(entry['timestamp-ms']),
    snapshotId: shownId(entry['snapshot-id']),
    isAncestor: line.has(BigInt(entry['snapshot-id'])),
  }))
}

/** The data files of the current snapshot, in the order of their partitions and paths. */
export async function listFiles(table: Table) {
  return (await currentFiles(table))
    .sort((a, b) => comparePartitions(a, b) || (a.path < b.path ? -1 : 1))
    .map((file) => ({
      path: file.path,
      partition: partitionLabel(table, file),
      rows: file.rows,
      bytes: file.bytes,
      sorted: file.sorted,
      ...timesOf(table, [file]),
    }))
}

/** The partitions of the current snapshot. */
export async function listPartitions(table: Table) {
  const parts = new Map<string, DataFile[]>()
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) {
    const name = partName(file)
    parts.set(name, [...(parts.get(name) ?? []), file])
  }
  return [...parts.values()]
    .sort(([a], [b]) => (a === undefined || b === undefined ? 0 : comparePartitions(a, b)))
    .map((files) => ({
      partition: files[0] === undefined ? '' : partitionLabel(table, files[0]),
      files: files.length,
      rows: files.reduce((sum, file) => sum + file.rows, 0),
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      ...timesOf(table, files),
    }))
}

export function comparePartitions(a: DataFile, b: DataFile): number {
  if (a.specId !== b.specId) return a.specId - b.specId
  for (const [index, value] of a.partition.entries()) {
    const other = b.partition[index] ?? null
    const order = value === null || other === null ? Number(other === null) - Number(value === null) : compareValues(value, other)
    if (order !== 0) return order
  }
  return 0
}

/** open_time_month=2024-01, symbol=BTCUSDT; empty for a table without partitions. */
export function partitionLabel({ metadata, root }: Table, { specId, partition }: DataFile): string {
  const { partition: fields } = manifestShapeOf(metadata, specId, root)
  return fields.map(({ name, transform }, index) => `${name}=${shownValue(transform, partition[index] ?? null)}`).join(', ')
}

/** First and last instant of the column that partitions the table, from the bounds of its files. */
function timesOf(table: Table, files: Iterable<DataFile>): { from: string | null; to: string | null } {
  const range = timeRange(table)
  for (const file of files) range.add(file)
  return range.shown()
}

/** A partition with more than this many times the median rows is reported. */
const SKEW = 10

/** What in the layout of a table slows readers: small or unsorted files, partitions much larger than others, outdated manifests. */
export async function tableHealth(table: Table): Promise<Finding[]> {
  const findings: Finding[] = []
  const find = (check: string, count: number, explanation: string) =>
    void findings.push(wholeFinding(tableName(table.root), check, 'warning', count, explanation))
  const groups = await compactable(table)
  const files = groups.flat()
  if (files.length > 0) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    const small = files.filter((file) => file.bytes < SMALL_FILE).length
    find('small_files', small, `${files.length} files (${bytes} bytes) can be merged into ${groups.length}: run \`tables compact\``)
    const unsorted = files.filter((file) => table.shape.sort.length > 0 && !file.sorted).length
    if (unsorted > 0) find('unsorted_files', unsorted, 'the rows of these files are not in the order of the table: run `tables compact`')
  }
  const sizes = (await listPartitions(table)).map(({ rows }) => rows).sort((a, b) => a - b)
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0
  const large = sizes.filter((rows) => rows > SKEW * median).length
  if (sizes.length >= MANY_FILES && large > 0)
    find(
      'skewed_partitions',
      large,
      `these partitions have more than ${SKEW} times as many rows as the median partition (${median}): partition the table by shorter periods or more columns`,
    )
  const ignored = Object.keys(table.metadata.properties).filter(
    (name) => /^(write|commit)\./.test(name) && table.metadata.properties[name] !== WRITE_PROPERTIES[name],
  )
  if (ignored.length > 0)
    findings.push(
      wholeFinding(
        tableName(table.root),
        'property_ignored',
        'info',
        ignored.length,
        `these properties are kept, but this program writes files without them: ${ignored.join(', ')}`,
      ),
    )
  const snapshot = snapshotOf(table, undefined)
  const manifests = snapshot === undefined ? [] : await manifestsOf(table, snapshot)
  const old = manifests.filter((line) => line.specId !== table.metadata['default-spec-id'])
  if (old.length > 0)
    find(
      'old_partition_spec',
      old.length,
      'these manifests have files with an older partition spec: rewrite the rows of these files to partition them as the table is now',
    )
  const stale = manifests.filter((line) => line.deleted.files > line.added.files + line.existing.files)
  if (stale.length > 0)
    find(
      'stale_manifests',
      stale.length,
      'these manifests list more deleted files than existing ones: the next commit that merges manifests removes them',
    )
  return findings
}
