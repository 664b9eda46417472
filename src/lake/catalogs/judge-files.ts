import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { DuckDBSession } from '../../platform/duckdb/session.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { addedSnapshots } from '../iceberg/judge-commit.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import { shapeOf, type TableMetadata } from '../iceberg/metadata.ts'
import { entriesOf, keyOf, manifestsOf, type Table } from '../iceberg/table.ts'
import { scanSql } from '../tables/scan-sql.ts'

/** Files that are looked for at the same time. */
const HEADS = 16

/** Added files that are read to try a commit. */
const TRIED_FILES = 50

/**
 * Tries a commit before it is accepted: every manifest list, manifest and data file that it brings lies in the lake, exists, and is read as the metadata says.
 * Throws SCHEMA_CHANGE_INVALID, which names what cannot be read.
 */
export async function judgeFiles(
  session: DuckDBSession,
  current: Table | undefined,
  table: Omit<Table, 'shape' | 'version'>,
): Promise<void> {
  const { metadata } = table
  const next: Table = { ...table, version: 0, shape: shapeOf(metadata, table.root) }
  try {
    if (current !== undefined && hasLost(current.metadata, metadata))
      for (const snapshot of metadata.snapshots) await manifestsOf(next, snapshot)
    const files = await addedFiles(current, next)
    await requireFiles(next, files)
    await tryRead(session, next, files.slice(0, TRIED_FILES))
  } catch (error) {
    const { code, message } = asLakehouseError(error)
    if (code === 'INTERRUPTED' || code === 'STORE_UNREACHABLE' || code === 'STORE_THROTTLED') throw error
    throw new LakehouseError('SCHEMA_CHANGE_INVALID', `the commit would make the table unreadable: ${message}`, { cause: error })
  }
}

/** Whether a partition spec or a schema is gone that snapshots may use. */
function hasLost(before: TableMetadata, next: TableMetadata): boolean {
  const specs = new Set(next['partition-specs'].map((spec) => spec['spec-id']))
  const schemas = new Set(next.schemas.map((schema) => schema['schema-id']))
  return (
    before['partition-specs'].some((spec) => !specs.has(spec['spec-id'])) ||
    before.schemas.some((schema) => !schemas.has(schema['schema-id']))
  )
}

/** The data files of the manifests that no snapshot before the commit has. */
async function addedFiles(current: Table | undefined, next: Table): Promise<DataFile[]> {
  const added = addedSnapshots(current?.metadata, next.metadata)
  if (added.length === 0) return []
  const newest = current?.metadata.snapshots.at(-1)
  const before = current === undefined || newest === undefined ? [] : await manifestsOf(current, newest)
  const known = new Set(before.map(({ path }) => path))
  const files: DataFile[] = []
  for (const snapshot of added) {
    requireInside(next, snapshot['manifest-list'])
    for (const line of await manifestsOf(next, snapshot)) {
      if (known.has(line.path)) continue
      known.add(line.path)
      requireInside(next, line.path)
      for (const { file, status } of await entriesOf(next, line)) if (status !== 'deleted') files.push(file)
    }
  }
  return files
}

/** Metadata of a table lies in the folder of the table. */
function requireInside({ store, root }: Table, url: string): void {
  const key = keyOf(store, url)
  if (!key.startsWith(`${root}/`) || key.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new LakehouseError('SCHEMA_CHANGE_INVALID', `${url} is not in the folder of the table`)
}

async function requireFiles({ store }: Table, files: readonly DataFile[]): Promise<void> {
  const look = async ({ path, bytes }: DataFile) => {
    const held = await store.head(keyOf(store, path))
    if (held?.size !== bytes)
      throw new LakehouseError(
        'SCHEMA_CHANGE_INVALID',
        `the data file ${path} ${held === undefined ? 'does not exist' : `has ${held.size} bytes instead of ${bytes}`}`,
      )
  }
  for await (const _ of mapConcurrent(files, { limit: HEADS }, look));
}

/** Our own reader reads the first row of the files, and their number of rows. */
async function tryRead(session: DuckDBSession, table: Table, files: readonly DataFile[]): Promise<void> {
  if (files.length === 0) return
  const sql = await scanSql(session, table, table.shape, files)
  const [counted] = await session.rows(`SELECT count(*) AS n FROM (${sql})`)
  await session.rows(`SELECT * FROM (${sql}) LIMIT 1`)
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  if (Number(counted?.['n']) !== rows)
    throw new LakehouseError('SCHEMA_CHANGE_INVALID', `the added files have ${String(counted?.['n'])} rows, but the manifests say ${rows}`)
}
