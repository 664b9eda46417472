import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { TableColumn } from '../datasets/contract.ts'
import { fieldsOf, type TableShape } from '../lake/iceberg/schema.ts'
import { keyOf, loadTable, urlOf } from '../lake/iceberg/table.ts'
import type { Lake } from '../lake/lake.ts'
import { tableKey } from '../lake/layout.ts'
import { CommitQueue, filesByPartition } from '../lake/tables/commit-queue.ts'
import { writeDataFile } from '../lake/tables/data-file.ts'
import { lostFiles, putBack } from '../lake/tables/lost-files.ts'
import { Relation } from '../platform/duckdb/relation.ts'
import { quoteName } from '../platform/duckdb/session.ts'

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

/** Writes the state of the ledger into the table bronze.objects, unless the table already has it. Starts again when another run does the same. */
export async function foldIntoTable(lake: Lake): Promise<void> {
  for (;;) {
    const done = await foldOnce(lake)
    if (done === 'committed') await lake.publish(tableKey('bronze', 'objects'))
    if (done !== 'conflict') return
    lake.signal.throwIfAborted()
  }
}

async function foldOnce(lake: Lake): Promise<'committed' | 'unchanged' | 'conflict'> {
  const { store, session, commits, run } = lake
  const root = tableKey('bronze', 'objects')
  // The live file is read first. If the ledger grows afterwards, the table is written again; the reverse order could miss events.
  const live = (await filesByPartition(await loadTable(store, root))).get(undefined) ?? []
  await using fold = await lake.readLedger()
  const names = COLUMNS.map(({ name }) => name)
  await using revisions = await Relation.of(session, names, fold.revisions)
  const [state] = await session.rows(`SELECT count(*) AS n, coalesce(bit_xor(hash(r::VARCHAR)), 0)::VARCHAR AS content FROM ${revisions} r`)
  const name = createHash('sha256')
    .update(JSON.stringify([COLUMNS, SETTINGS, String(state?.['n']), state?.['content']]))
    .digest('hex')
    .slice(0, 40)
  const url = urlOf(store, `${root}/data/${name}.parquet`)
  const lost = await lostFiles(store, root, live)
  if (live.some(({ path }) => path === url && !lost.has(path)) || Number(state?.['n']) === 0) return 'unchanged'
  const temporary = await store.files.draft(keyOf(store, url))
  try {
    const query = `SELECT ${names.map(quoteName).join(', ')} FROM ${revisions} ORDER BY key, sha256`
    const written = await writeDataFile(session, query, SHAPE.fields, temporary, SETTINGS)
    const seen = new Set(live.map((file) => file.path))
    const file = { ...written, path: url, specId: 0, partition: [] }
    if (await putBack(store, lost, live, file, temporary)) return 'unchanged'
    const add = [{ temporary, file }]
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
