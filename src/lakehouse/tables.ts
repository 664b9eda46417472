import { LakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { parseInstant } from '../core/time.ts'
import { TRADED_BARS } from '../datasets/registry.ts'
import { update } from '../lake/iceberg/commit.ts'
import { type ColumnChange, withColumns, withoutRef, withPartition, withRef } from '../lake/iceberg/evolve.ts'
import type { DataFile } from '../lake/iceberg/manifest.ts'
import { shownId } from '../lake/iceberg/metadata.ts'
import { requireRemoval } from '../lake/iceberg/retention.ts'
import type { TableShape } from '../lake/iceberg/schema.ts'
import { type AsOf, loadTable, snapshotOf, type Table } from '../lake/iceberg/table.ts'
import type { Transform } from '../lake/iceberg/transform.ts'
import { icebergType } from '../lake/iceberg/values.ts'
import type { Lake } from '../lake/lake.ts'
import { LAYERS, type Layer, tableKey, tableName } from '../lake/layout.ts'
import { type ChangedPart, changedParts, requireSnapshot } from '../lake/tables/changed-parts.ts'
import { checkTable } from '../lake/tables/check.ts'
import { type Compaction, compactTable } from '../lake/tables/compact.ts'
import { describeTable, listFiles, listHistory, listPartitions, listSnapshots, tableHealth } from '../lake/tables/describe.ts'
import { type ChangedRow, diffSnapshots, type SnapshotDiff } from '../lake/tables/diff-snapshots.ts'
import { everyTable } from '../lake/tables/list-tables.ts'
import {
  type Expired,
  type ExpireOptions,
  expireSnapshots,
  type Orphan,
  type OrphanOptions,
  removeOrphans,
} from '../lake/tables/maintain.ts'
import { relocateTable } from '../lake/tables/relocate.ts'
import { type TableStatus, tableStatus } from '../lake/tables/status.ts'
import { orFinding } from '../lake/tables/unreadable.ts'
import { createTable, deletePartitions, type WriteOptions, writeRows } from '../lake/tables/write-rows.ts'
import { ParallelProcessor } from '../platform/parallel-processor.ts'
import { exampleTable } from '../sources/series.ts'

/** The Iceberg tables of a lake, by their SQL names: layer.name. Every method throws TABLE_NOT_FOUND for a missing table. */
export class Tables {
  readonly #lake: Lake

  constructor(lake: Lake) {
    this.#lake = lake
  }

  /** Side tasks that failed although the tables themselves are correct. */
  get findings(): readonly Finding[] {
    return this.#lake.findings
  }

  /** Every table with its rows, files, bytes and range of time, in the order of layers and names. A table that cannot be read is a finding. */
  async list(): Promise<TableStatus[]> {
    const { store, findings } = this.#lake
    const look = (root: string) => orFinding(root, findings, () => tableStatus(store, root))
    const outcomes = await new ParallelProcessor().processBatch(await everyTable(store), look, { ordered: true })
    return outcomes.flatMap((outcome) => {
      if ('error' in outcome) throw outcome.error
      return outcome.value ?? []
    })
  }

  async describe(name: string) {
    return describeTable(await this.#load(name))
  }

  async snapshots(name: string) {
    return listSnapshots(await this.#load(name))
  }

  async history(name: string) {
    return listHistory(await this.#load(name))
  }

  async files(name: string) {
    return await listFiles(await this.#load(name))
  }

  async partitions(name: string) {
    return await listPartitions(await this.#load(name))
  }

  /** What in the layout slows readers, for one table or (without a name) for every table. */
  async health(name: string | undefined): Promise<Finding[]> {
    const findings: Finding[] = []
    for (const one of await this.#names(name))
      await orFinding(rootOf(one), findings, async () => void findings.push(...(await tableHealth(await this.#load(one)))))
    return findings
  }

  /**
   * The differences between metadata and files, for one table or (without a name) for every table. `deep` also compares every file, without a name every file
   * of the lake, with its recorded digest.
   */
  async check(name: string | undefined, { deep = false } = {}): Promise<Finding[]> {
    const { store, session } = this.#lake
    const findings: Finding[] = []
    const damaged = new Set<string>()
    if (deep) {
      const { damageFindings } = await import('../lake/integrity/damage-findings.ts')
      const found = await damageFindings(this.#lake, name === undefined ? undefined : rootOf(name))
      findings.push(...found.findings)
      for (const table of found.tables) damaged.add(table)
    }
    for (const one of await this.#names(name)) if (!damaged.has(one)) findings.push(...(await checkTable(store, session, rootOf(one))))
    return findings
  }

  /** Publishes one table or every table to external catalogs again. */
  async publish(name: string | undefined): Promise<readonly Finding[]> {
    for (const one of await this.#names(name)) await this.#lake.publish(rootOf(one))
    return this.findings
  }

  async compact(name: string): Promise<Compaction> {
    return await this.#changed(name, compactTable(this.#lake, rootOf(name)))
  }

  /** The old snapshots, branches and tags that were removed, or that a dry run would remove. */
  async expire(name: string, options: ExpireOptions): Promise<Expired> {
    const gone = await expireSnapshots(this.#lake.store, rootOf(name), this.#lake.commits, options)
    if (gone.snapshots.length + gone.refs.length > 0 && !options.dryRun) await this.#lake.publish(rootOf(name))
    return gone
  }

  /** The files that no snapshot reaches. Throws TABLE_UNSUPPORTED for a table that does not allow removal. */
  async orphans(name: string, options: OrphanOptions): Promise<Orphan[]> {
    requireRemoval((await this.#load(name)).metadata, rootOf(name))
    return await removeOrphans(this.#lake.store, rootOf(name), options)
  }

  /** Makes an earlier snapshot the current one; later snapshots stay until they expire. Returns its id. Throws SNAPSHOT_NOT_FOUND. */
  async rollback(name: string, to: AsOf): Promise<number | string> {
    return await this.#pointAt(name, 'main', 'branch', to)
  }

  /** Tags a snapshot, by default the current one, so that it never expires and can be read with `--as-of`. Returns its id. */
  async tag(name: string, tag: string, to: AsOf | undefined): Promise<number | string> {
    if (/^\d+$/.test(tag) || parseInstant(tag) !== undefined || /^(tag|snapshot|time):/.test(tag))
      throw new LakehouseError(
        'TABLE_REF_INVALID',
        `"${tag}" looks like a snapshot or a time, so --as-of could not find it: begin the name of the tag with a letter`,
      )
    return await this.#pointAt(name, tag, 'tag', to)
  }

  /** Names the current snapshot of every table that has one. Returns the tables. */
  async tagAll(tag: string): Promise<string[]> {
    const tagged: string[] = []
    for (const name of await this.#names(undefined)) {
      if (snapshotOf(await this.#load(name), undefined) === undefined) continue
      await this.tag(name, tag, undefined)
      tagged.push(name)
    }
    return tagged
  }

  /** Rewrites the paths of tables that were moved with their lake. Returns every table with the number of its rewritten snapshots. */
  async relocate(): Promise<{ table: string; snapshots: number }[]> {
    const items: { table: string; snapshots: number }[] = []
    for (const table of await this.#names(undefined))
      items.push({ table, snapshots: await this.#changed(table, relocateTable(this.#lake.store, rootOf(table), this.#lake.commits)) })
    return items
  }

  /** Creates a branch at a snapshot, by default the current one. Returns the id of the snapshot. */
  async branch(name: string, branch: string, to: AsOf | undefined): Promise<number | string> {
    return await this.#pointAt(name, branch, 'branch', to)
  }

  /** Removes a tag or branch. */
  async untag(name: string, tag: string): Promise<void> {
    await this.#update(name, (table) => withoutRef(table.metadata, tag))
  }

  /** The differences between two snapshots; `limit` bounds the returned rows. */
  /** What a reader of a snapshot must read again to have the current one. Throws SNAPSHOT_NOT_FOUND. */
  async changes(name: string, since: AsOf): Promise<ChangedPart[]> {
    const table = await this.#load(name)
    return await changedParts(table, requireSnapshot(snapshotOf(table, since), table.root))
  }

  async diff(name: string, from: AsOf, to: AsOf | undefined, limit: number): Promise<{ diff: SnapshotDiff; rows: ChangedRow[] }> {
    const table = await this.#load(name)
    const [before, after] = [snapshotOf(table, from), snapshotOf(table, to)]
    return await diffSnapshots(this.#lake.session, table, before, after, limit)
  }

  /** Adds, renames, widens, moves or drops columns. Throws COLUMN_NOT_FOUND, SCHEMA_CHANGE_INVALID. */
  async alterColumns(name: string, changes: readonly ColumnChange[]): Promise<void> {
    await this.#update(name, (table) => withColumns(table.metadata, changes))
  }

  /** Changes the partitions of new files. Throws COLUMN_NOT_FOUND. */
  async alterPartition(name: string, parts: readonly { source: string; transform: Transform }[]): Promise<void> {
    await this.#update(name, (table) => withPartition(table.metadata, parts))
  }

  /** Creates an empty table if it does not exist. */
  async create(name: string, shape: TableShape, properties: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#changed(name, createTable(this.#lake.store, rootOf(name), shape, this.#lake.commits, properties))
  }

  /** The shape of a table for the rows of a query: its columns, without partitions or order. Throws SCHEMA_CHANGE_INVALID for an unsupported column type. */
  async shapeOf(query: string): Promise<TableShape> {
    const columns = await this.#lake.session.rows(`DESCRIBE ${query}`)
    const fields = columns.map(({ column_name: name, column_type: type }, index) => {
      const found = icebergType(String(type))
      if (found === undefined)
        throw new LakehouseError(
          'SCHEMA_CHANGE_INVALID',
          `column ${String(name)} has the unsupported type ${String(type)}: cast it to another type in the query`,
        )
      return { id: index + 1, name: String(name), required: false, type: found }
    })
    return { fields, partition: [], sort: [] }
  }

  /** Writes the rows of a query (over files and values, not over tables) into a table. Partitions with too many small files are compacted. */
  async write(name: string, query: string, options: WriteOptions): Promise<{ rows: number; files: number }> {
    const { isCrowded, ...written } = await writeRows(this.#lake, rootOf(name), query, options)
    if (isCrowded && options.branch === undefined) await compactTable(this.#lake, rootOf(name))
    await this.#lake.publish(rootOf(name))
    return written
  }

  /** Removes the partitions that `belongs` chooses. Returns the number of removed files. */
  async deletePartitions(name: string, belongs: (file: DataFile) => boolean): Promise<number> {
    return await this.#changed(name, deletePartitions(this.#lake, rootOf(name), belongs))
  }

  /** Waits for a change, publishes the table, and returns the result of the change. */
  async #changed<T>(name: string, change: Promise<T>): Promise<T> {
    const done = await change
    await this.#lake.publish(rootOf(name))
    return done
  }

  async #pointAt(name: string, ref: string, type: 'branch' | 'tag', to: AsOf | undefined): Promise<number | string> {
    let pointed: number | string = -1
    await this.#update(name, (table) => {
      const snapshot = snapshotOf(table, to)
      if (snapshot === undefined)
        throw new LakehouseError('SNAPSHOT_NOT_FOUND', `${name} does not have a snapshot yet: write rows into it first`, {
          details: { table: name },
        })
      pointed = shownId(snapshot['snapshot-id'])
      return withRef(table.metadata, ref, snapshot['snapshot-id'], type, this.#lake.nowMs())
    })
    return pointed
  }

  async #update(name: string, change: (table: Table) => Table['metadata']): Promise<void> {
    const { store, commits } = this.#lake
    await this.#changed(
      name,
      update(store, rootOf(name), commits, async (current) => change(current ?? (await this.#load(name)))),
    )
  }

  async #names(name: string | undefined): Promise<string[]> {
    return name === undefined ? (await everyTable(this.#lake.store)).map(tableName) : [name]
  }

  async #load(name: string): Promise<Table> {
    const table = await loadTable(this.#lake.store, rootOf(name))
    if (table !== undefined) return table
    const names = await this.#names(undefined)
    throw new LakehouseError('TABLE_NOT_FOUND', `table ${name} does not exist: the lake has ${names.join(', ') || 'no tables'}`, {
      details: { table: name },
    })
  }
}

/** The key of the folder of a table. Throws TABLE_NOT_FOUND for a text that is not a table name. */
function rootOf(name: string): string {
  const [layer, table, ...more] = name.split('.')
  if (!LAYERS.includes(layer as Layer) || table === undefined || !/^\w+$/.test(table) || more.length > 0)
    throw new LakehouseError(
      'TABLE_NOT_FOUND',
      `"${name}" is not a table name: write layer.name, as in ${exampleTable(TRADED_BARS, '1m')}`,
      {
        details: { table: name },
      },
    )
  return tableKey(layer as Layer, table)
}
