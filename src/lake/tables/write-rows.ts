import { rm } from 'node:fs/promises'
import { LakehouseError } from '../../core/errors.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../../platform/duckdb/session.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { type CommitDeps, commit, update } from '../iceberg/commit.ts'
import { withColumns } from '../iceberg/evolve.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { newMetadata } from '../iceberg/metadata.ts'
import { dataFileKey, fileNameOf } from '../iceberg/partition-folder.ts'
import type { PartitionField, TableShape } from '../iceberg/schema.ts'
import { liveFiles, loadTable, required, snapshotOf, type Table, urlOf } from '../iceberg/table.ts'
import { applyTransform, resultType } from '../iceberg/transform.ts'
import { type ColumnValue, type IcebergType, isFloating, sqlType } from '../iceberg/values.ts'
import { type ParquetSettings, type WrittenFile, writeDataFile } from './data-file.ts'
import { plainSql, plainValue } from './plain-value.ts'

export type WriteDeps = { readonly store: ObjectStore; readonly session: DuckDBSession; readonly commits: CommitDeps; readonly run: string }

/** Parquet settings for rows whose content is not known. */
const GENERAL_PARQUET: ParquetSettings = { rowGroupSize: 122_880, dictionarySizeLimit: 100_000, zstdLevel: 3 }

type WriteMode =
  /** Adds the rows to the existing ones. */
  | 'append'
  /** Replaces the rows of each partition that gets new rows. */
  | 'overwrite'

export type WriteOptions = {
  readonly mode: WriteMode
  /** The shape of a table that does not exist yet. */
  readonly shape?: TableShape
  readonly branch?: string
  /** A name for this write. A write whose name is in the history of the table is skipped, so that it can be repeated after a crash. */
  readonly once?: string
  /** A property that records the source of the rows: its value before the write (undefined: unset) and after it. Any other value means that another writer was first. */
  readonly mark?: Mark
}

type Mark = { readonly name: string; readonly before: string | undefined; readonly value: string }

/** What was written, and whether its partitions now have so many files that they should be compacted. */
export type Written = { readonly rows: number; readonly files: number; readonly isCrowded: boolean }

/** Average number of files in the partitions of a write. */
const CROWDED_FILES = 32

/** The summary field of a snapshot that names its write. */
const ONCE = 'lakehouse.write'

/**
 * Writes the rows of a query into a table, with its partitions and order. Files are named by their content, so a file that the table already has is not added again.
 * Throws TABLE_NOT_FOUND without a shape, QUERY_FAILED for wrong columns, COMMIT_CONFLICT when another writer changed a partition to be overwritten.
 */
export async function writeRows(deps: WriteDeps, root: string, query: string, options: WriteOptions): Promise<Written> {
  const table = await loadTable(deps.store, root)
  const shape = table?.shape ?? options.shape ?? required(table, root).shape
  const specId = table?.metadata['default-spec-id'] ?? 0
  const added: DataFile[] = []
  for await (const file of partitionRows(deps, root, query, shape)) added.push({ ...file, specId })
  const touched = new Set(added.map(partName))
  const seen = await liveIn(table, touched, options.branch)
  let held = 0
  await commit(deps.store, root, shape, deps.commits, async (current) => {
    if (options.once !== undefined && current?.metadata.snapshots.some((snapshot) => snapshot.summary[ONCE] === options.once) === true)
      return undefined
    if ((current?.metadata['default-spec-id'] ?? 0) !== specId)
      throw conflict(root, 'another writer changed how the table is partitioned: run again')
    checkMark(root, current, options.mark)
    const live = await liveIn(current, touched, options.branch)
    if (options.mode === 'overwrite' && current !== undefined) await refuseOtherSpecs(current, specId)
    const paths = new Set(live.map(({ path }) => path))
    if (options.mode === 'overwrite' && (live.length !== seen.length || seen.some(({ path }) => !paths.has(path))))
      throw conflict(root, 'another writer changed a partition that this write overwrites: run again')
    held = live.length
    const [liveIds, addedIds] = [new Set(live.map(identity)), new Set(added.map(identity))]
    const fresh = added.filter((file) => !liveIds.has(identity(file)))
    const gone = options.mode === 'append' ? [] : live.flatMap((file) => (addedIds.has(identity(file)) ? [] : [file.path]))
    if (fresh.length + gone.length === 0) return undefined
    const { branch, once, mark } = options
    return {
      operation: gone.length === 0 ? 'append' : 'overwrite',
      add: fresh,
      remove: new Set(gone),
      summary: { 'lakehouse.run': deps.run, ...(once === undefined ? {} : { [ONCE]: once }) },
      ...(branch === undefined ? {} : { branch }),
      ...(mark === undefined ? {} : { properties: { [mark.name]: mark.value } }),
    }
  })
  if (options.mark !== undefined) await setMark(deps, root, options.mark)
  const isCrowded = options.mode === 'append' && held + added.length > CROWDED_FILES * touched.size
  return { rows: added.reduce((sum, file) => sum + file.rows, 0), files: added.length, isCrowded }
}

function conflict(root: string, why: string): LakehouseError {
  return new LakehouseError('COMMIT_CONFLICT', `${root}: ${why}`, { details: { table: root } })
}

/** Creates an empty table if it does not exist, with additional properties. */
export async function createTable(
  store: ObjectStore,
  root: string,
  shape: TableShape,
  commits: CommitDeps,
  properties: Readonly<Record<string, string>> = {},
): Promise<Table | undefined> {
  return await update(store, root, commits, async (current) => {
    if (current !== undefined) return undefined
    const metadata = newMetadata(urlOf(store, root), shape, commits.nowMs())
    return { ...metadata, properties: { ...metadata.properties, ...properties } }
  })
}

/** Adds the columns that an older table lacks, after its last column. Existing rows have null there. */
export async function addMissingColumns({ store, commits }: WriteDeps, root: string, shape: TableShape): Promise<void> {
  await update(store, root, commits, async (current) => {
    const held = new Set(current?.shape.fields.map(({ name }) => name))
    const missing = shape.fields.filter(({ name }) => !held.has(name))
    if (current === undefined || missing.length === 0) return undefined
    return withColumns(
      current.metadata,
      missing.map(({ name, type, doc }) => ({ kind: 'add' as const, name, type, ...(doc === undefined ? {} : { doc }) })),
    )
  })
}

/** Sets the mark when the table already has the rows, so that nothing else is written. */
async function setMark({ store, commits }: WriteDeps, root: string, mark: Mark): Promise<void> {
  await update(store, root, commits, async (current) => {
    if (current === undefined || current.metadata.properties[mark.name] === mark.value) return undefined
    checkMark(root, current, mark)
    return { ...current.metadata, properties: { ...current.metadata.properties, [mark.name]: mark.value } }
  })
}

function checkMark(root: string, table: Table | undefined, mark: Mark | undefined): void {
  if (mark !== undefined && table?.metadata.properties[mark.name] !== mark.before)
    throw conflict(root, 'another writer changed the table meanwhile: run again')
}

/** Removes the partitions that `belongs` chooses. Returns the number of removed files. */
export async function deletePartitions(deps: WriteDeps, root: string, belongs: (file: DataFile) => boolean): Promise<number> {
  let removed = 0
  const table = required(await loadTable(deps.store, root), root)
  await commit(deps.store, root, table.shape, deps.commits, async (current) => {
    const remove = new Set<string>()
    if (current !== undefined)
      for await (const file of liveFiles(current, snapshotOf(current, undefined))) if (belongs(file)) remove.add(file.path)
    removed = remove.size
    return remove.size === 0 ? undefined : { operation: 'delete', add: [], remove, summary: { 'lakehouse.run': deps.run } }
  })
  return removed
}

/** One name for each partition of each spec; null is not the text "null". */
export function partName({ specId, partition }: Pick<DataFile, 'specId' | 'partition'>): string {
  return JSON.stringify([specId, ...partition.map((value) => (value === null ? null : String(value)))])
}

/** Identifies a file of a partition by its name. The folder does not matter. */
function identity(file: DataFile): string {
  return `${partName(file)} ${fileNameOf(file.path)}`
}

/** Live files of some partitions, at the head of a branch. A branch that does not exist yet has the files of main. */
async function liveIn(table: Table | undefined, parts: ReadonlySet<string>, branch: string | undefined): Promise<DataFile[]> {
  const found: DataFile[] = []
  if (table === undefined) return found
  const head = branch === undefined || table.metadata.refs[branch] === undefined ? undefined : { tag: branch }
  for await (const file of liveFiles(table, snapshotOf(table, head))) if (parts.has(partName(file))) found.push(file)
  return found
}

/** Refuses to overwrite when files have an older partition spec: their rows cannot be assigned to a partition, and would stay beside the new rows. */
async function refuseOtherSpecs(table: Table, specId: number): Promise<void> {
  for await (const file of liveFiles(table, snapshotOf(table, undefined)))
    if (file.specId !== specId)
      throw new LakehouseError(
        'TABLE_UNSUPPORTED',
        `cannot overwrite partitions of ${table.root}: it has files with an older partition spec; append the rows, or rewrite the table first`,
        {
          details: { table: table.root, file: file.path },
        },
      )
}

/** Writes the rows of a query as one finished file per partition, with its final name and folder. */
async function* partitionRows(
  { store, session }: WriteDeps,
  root: string,
  query: string,
  shape: TableShape,
): AsyncGenerator<Omit<DataFile, 'specId'>> {
  const columns = shape.fields.map((field) => quoteName(field.name)).join(', ')
  // The file has the columns in the types of the table, whatever types the query gives.
  const typed = shape.fields.map(({ name, type }) => `${quoteName(name)}::${sqlType(type)} AS ${quoteName(name)}`).join(', ')
  const names = shape.fields.map((field) => field.name)
  await using held = await Relation.of(session, names, `SELECT ${typed} FROM (${query})`)
  await using buckets = new AsyncDisposableStack()
  const parts = await partExpressions(session, shape, held, buckets)
  const selected = parts.map(({ sql }, index) => `${sql} AS part_${index}`).join(', ')
  let written = 0
  const tuples = parts.length === 0 ? [{}] : await session.jsonRows(`SELECT DISTINCT ${selected} FROM ${held} ORDER BY ALL`)
  for (const tuple of tuples) {
    const partition = parts.map(({ type }, index) => plainValue(type, tuple[`part_${index}`]))
    const where = parts.map(
      ({ sql, type, field }, index) =>
        `${sql} IS NOT DISTINCT FROM ${literal(partition[index] ?? null, resultType(field.transform, type))}`,
    )
    const rows = `SELECT ${columns} FROM ${held}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`}`
    const file = await writeFile(store, session, rows, shape, { root, partition })
    if (file === undefined) continue
    written += file.rows
    yield file
  }
  const [{ n } = {}] = await session.rows(`SELECT count(*) AS n FROM ${held}`)
  if (Number(n) !== written)
    throw new LakehouseError(
      'INTERNAL',
      `${root}: only ${written} of ${Number(n)} rows were written to a partition, so nothing was committed; run again with --verbose and report this message`,
    )
}

/** Writes rows of one partition into a file that is named by its content; undefined without rows. */
export async function writeFile(
  store: ObjectStore,
  session: DuckDBSession,
  rows: string,
  shape: TableShape,
  { root, partition }: { readonly root: string } & Pick<DataFile, 'partition'>,
): Promise<Omit<DataFile, 'specId'> | undefined> {
  // Every column is part of the order, so that the same rows give the same file.
  const order = [...new Set([...shape.sort, ...shape.fields.map((field) => field.name)])]
    .map((name) => `${quoteName(name)} NULLS FIRST`)
    .join(', ')
  const keyFor = (name: string) => dataFileKey(root, shape.partition, partition, name)
  const temporary = await store.files.draft(keyFor('x.parquet'))
  try {
    const query = `SELECT * FROM (${rows}) ORDER BY ${order}`
    const written: WrittenFile = await writeDataFile(session, query, shape.fields, temporary, GENERAL_PARQUET)
    if (written.rows === 0) return undefined
    const key = keyFor(`${written.sha256.slice(0, 40)}.parquet`)
    const nans = await countNans(session, rows, shape)
    // The same file may exist and be old enough to be removed: replacing it makes it new.
    await store.files.publish(temporary, key, { replace: true })
    return { ...written, nans, ...withoutBounds(written, nans), path: urlOf(store, key), partition, sorted: shape.sort.length > 0 }
  } finally {
    await rm(temporary, { force: true })
  }
}

async function countNans(session: DuckDBSession, rows: string, { fields }: TableShape): Promise<Map<number, number>> {
  const floating = fields.filter((field) => isFloating(field.type))
  if (floating.length === 0) return new Map()
  const [counts] = await session.rows(
    `SELECT ${floating.map(({ id, name }) => `count(*) FILTER (isnan(${quoteName(name)})) AS nan_${id}`).join(', ')} FROM (${rows})`,
  )
  return new Map(floating.map(({ id }) => [id, Number(counts?.[`nan_${id}`])]))
}

/** Iceberg bounds leave NaN out, but the bounds of the engine do not, so columns with NaN get no bounds. */
function withoutBounds({ lower, upper }: WrittenFile, nans: ReadonlyMap<number, number>): Pick<WrittenFile, 'lower' | 'upper'> {
  const known = <V>(bounds: ReadonlyMap<number, V>) => new Map([...bounds].filter(([id]) => (nans.get(id) ?? 0) === 0))
  return { lower: known(lower), upper: known(upper) }
}

type Part = { readonly field: PartitionField; readonly type: IcebergType; readonly sql: string }

/** SQL of each partition value, in the form that our code uses. */
async function partExpressions(
  session: DuckDBSession,
  { fields, partition }: TableShape,
  held: Relation<string>,
  made: AsyncDisposableStack,
): Promise<Part[]> {
  const parts: Part[] = []
  for (const field of partition) {
    const type = fields.find(({ name }) => name === field.source)?.type ?? 'string'
    const sql = field.transform.startsWith('bucket')
      ? await bucketSql(session, field, type, held, made)
      : partSql(field, plainSql(quoteName(field.source), type), quoteName(field.source), type)
    parts.push({ field, type, sql })
  }
  return parts
}

function partSql({ transform }: PartitionField, plain: string, column: string, type: IcebergType): string {
  const width = /\[(\d+)\]/.exec(transform)?.[1]
  switch (transform) {
    case 'identity':
      return plain
    case 'void':
      return `NULL::INTEGER`
    case 'year':
      return `(year(${column}) - 1970)::INTEGER`
    case 'month':
      return `((year(${column}) - 1970) * 12 + month(${column}) - 1)::INTEGER`
    case 'day':
      return type === 'date' ? plain : `floor(epoch_us(${column}) / 86400000000)::INTEGER`
    case 'hour':
      return `floor(epoch_us(${column}) / 3600000000)::INTEGER`
  }
  return type === 'string' ? `left(${column}, ${width})` : `${plain} - ((${plain} % ${width}) + ${width}) % ${width}`
}

/** The engine does not have this hash, so the bucket of each distinct value is looked up. */
async function bucketSql(
  session: DuckDBSession,
  { source, transform }: PartitionField,
  type: IcebergType,
  held: Relation<string>,
  made: AsyncDisposableStack,
): Promise<string> {
  const column = quoteName(source)
  const plain = plainSql(column, type)
  const values = await session.jsonRows(`SELECT DISTINCT ${plain} AS value FROM ${held} WHERE ${column} IS NOT NULL ORDER BY 1`)
  const rows = values.map(({ value }) => {
    const held = plainValue(type, value)
    return `(${literal(held, type)}, ${literal(applyTransform(transform, type, held), 'int')})`
  })
  const sql = `SELECT * FROM (VALUES ${rows.join(', ') || '(NULL, NULL)'}) v(bucket_of, bucket_is)`
  const buckets = made.use(await Relation.of(session, ['bucket_of', 'bucket_is'], sql))
  return `(SELECT b.bucket_is FROM ${buckets} b WHERE b.bucket_of = ${plainSql(`${held}.${column}`, type)})::INTEGER`
}

/** Floating-point numbers are compared as such, not as decimals. */
function literal(value: ColumnValue | null, type: IcebergType): string {
  if (value === null) return 'NULL'
  if (isFloating(type)) return `'${value}'::${sqlType(type)}`
  return typeof value === 'string' ? quote(value) : String(value)
}
