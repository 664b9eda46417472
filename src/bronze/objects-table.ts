import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { TableColumn } from '../datasets/contract.ts'
import type { CommitDeps } from '../lake/iceberg/commit.ts'
import { fieldsOf, type TableShape } from '../lake/iceberg/schema.ts'
import { keyOf, loadTable, urlOf } from '../lake/iceberg/table.ts'
import { tableKey } from '../lake/layout.ts'
import { foldLedger, OBJECT_REVISIONS } from '../lake/ledger/fold.ts'
import { CommitQueue, filesByPartition } from '../lake/tables/commit-queue.ts'
import { writeDataFile } from '../lake/tables/data-file.ts'
import { type DuckDBSession, quoteName } from '../platform/duckdb/session.ts'
import type { ObjectStore } from '../storage/object-store.ts'

const COLUMNS: readonly TableColumn[] = [
  { name: 'key', type: 'string', doc: 'archive key' },
  { name: 'sha256', type: 'string', doc: 'digest of the bytes' },
  { name: 'status', type: 'string', doc: 'verified, superseded, quarantined, or lost from bronze' },
  { name: 'size', type: 'long', doc: 'bytes' },
  { name: 'etag', type: 'string', doc: 'as the archive gave it' },
  { name: 'last_modified', type: 'instant', doc: 'as the archive gave it' },
  { name: 'published_sha256', type: 'string', doc: 'digest in the .CHECKSUM file, null when there was none' },
  { name: 'reason', type: 'string', doc: 'error code of a quarantined object' },
  { name: 'has_header', type: 'boolean', doc: 'whether the CSV begins with a header' },
  { name: 'time_unit', type: 'string', doc: 'ms, us or mixed' },
  { name: 'rows', type: 'long', doc: 'rows decoded' },
  { name: 'rows_rejected', type: 'long', doc: 'lines that could not be typed' },
]

const SHAPE: TableShape = { fields: fieldsOf(COLUMNS), partition: [], sort: ['key', 'sha256'] }

const SETTINGS = { rowGroupSize: 122_880, dictionarySizeLimit: 1000, zstdLevel: 3 }

export type ObjectsDeps = {
  readonly store: ObjectStore
  readonly session: DuckDBSession
  readonly commits: CommitDeps
  readonly run: string
  readonly signal: AbortSignal
}

/** Folds the ledger into the table bronze.objects, again when another run does so at the same time; nothing happens when the table says the same already. */
export async function foldIntoTable(deps: ObjectsDeps): Promise<void> {
  while ((await foldOnce(deps)) === 'conflict') deps.signal.throwIfAborted()
}

async function foldOnce({ store, session, commits, run }: ObjectsDeps): Promise<'committed' | 'conflict'> {
  const root = tableKey('bronze', 'objects')
  // The live file first: a ledger that has grown since is a reason to write it anew, never the other way round.
  const live = (await filesByPartition(await loadTable(store, root))).get(undefined) ?? []
  await foldLedger(session, store)
  await session.run(`CREATE OR REPLACE TEMP TABLE object_revisions AS ${OBJECT_REVISIONS}`)
  const [state] = await session.rows(
    'SELECT count(*) AS n, coalesce(bit_xor(hash(r::VARCHAR)), 0)::VARCHAR AS content FROM object_revisions r',
  )
  const name = createHash('sha256')
    .update(JSON.stringify([COLUMNS, SETTINGS, String(state?.['n']), state?.['content']]))
    .digest('hex')
    .slice(0, 40)
  const url = urlOf(store, `${root}/data/${name}.parquet`)
  if (live.some((file) => file.path === url) || Number(state?.['n']) === 0) return 'committed'
  const temporary = await store.files.draft(keyOf(store, url))
  try {
    const columns = COLUMNS.map((column) => quoteName(column.name)).join(', ')
    const query = `SELECT ${columns} FROM object_revisions ORDER BY key, sha256`
    const written = await writeDataFile(session, query, SHAPE.fields, temporary, SETTINGS)
    const seen = new Set(live.map((file) => file.path))
    const add = [{ temporary, file: { ...written, path: url, specId: 0, partition: [] } }]
    return await new CommitQueue({ store, root, shape: SHAPE, deps: commits, run }).submit({
      partition: undefined,
      seen,
      remove: seen,
      add,
    })
  } finally {
    await rm(temporary, { force: true })
  }
}
