import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { TableColumn } from '../core/datasets/registry.ts'
import { CommitQueue, filesByPartition } from '../lake/commit-queue.ts'
import { writeDataFile } from '../lake/data-file.ts'
import type { CommitDeps } from '../lake/iceberg/commit.ts'
import { fieldsOf, type TableShape } from '../lake/iceberg/schema.ts'
import { loadTable, urlOf } from '../lake/iceberg/table.ts'
import { tableKey } from '../lake/layout.ts'
import { OBJECT_REVISIONS } from '../lake/ledger/fold.ts'
import type { DuckDBSession } from '../platform/duckdb/session.ts'
import { makeFolder } from '../storage/local.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { temporaryName } from '../storage/temporary.ts'

const COLUMNS: readonly TableColumn[] = [
  { name: 'key', type: 'string', doc: 'archive key' },
  { name: 'sha256', type: 'string', doc: 'digest of the bytes' },
  { name: 'status', type: 'string', doc: 'verified, superseded or quarantined' },
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

const SHAPE: TableShape = { fields: fieldsOf(COLUMNS), partition: undefined, sort: ['key', 'sha256'] }

const SETTINGS = { rowGroupSize: 122_880, dictionarySizeLimit: 1000, zstdLevel: 3 }

/** Folds the ledger into the table bronze.objects; nothing happens when it says so already. The session must hold a fresh fold. */
export async function foldIntoTable(deps: { store: ObjectStore; session: DuckDBSession; commits: CommitDeps; run: string }): Promise<void> {
  const { store, session } = deps
  const root = tableKey('bronze', 'objects')
  await session.run(`CREATE OR REPLACE TEMP TABLE object_revisions AS ${OBJECT_REVISIONS}`)
  const [state] = await session.rows(
    'SELECT count(*) AS n, coalesce(bit_xor(hash(r::VARCHAR)), 0)::VARCHAR AS content FROM object_revisions r',
  )
  const live = (await filesByPartition(await loadTable(store, root))).get(undefined) ?? []
  const name = createHash('sha256')
    .update(JSON.stringify([COLUMNS, SETTINGS, String(state?.['n']), state?.['content']]))
    .digest('hex')
    .slice(0, 40)
  const url = urlOf(store, `${root}/data/${name}.parquet`)
  if (live.some((file) => file.path === url) || Number(state?.['n']) === 0) return
  await makeFolder(store.localPath(`${root}/data`))
  const temporary = store.localPath(`${root}/data/${temporaryName('.parquet')}`)
  try {
    const columns = COLUMNS.map((column) => `"${column.name}"`).join(', ')
    const written = await writeDataFile(
      session,
      `SELECT ${columns} FROM object_revisions ORDER BY key, sha256`,
      SHAPE.fields,
      temporary,
      SETTINGS,
    )
    const queue = new CommitQueue({ store, root, shape: SHAPE, deps: deps.commits, run: deps.run })
    const seen = new Set(live.map((file) => file.path))
    // A conflict means that another run has folded a ledger that is at least as new.
    await queue.submit({
      partition: undefined,
      seen,
      remove: seen,
      add: [{ temporary, file: { ...written, path: url, partition: undefined } }],
    })
  } finally {
    await rm(temporary, { force: true })
  }
}
