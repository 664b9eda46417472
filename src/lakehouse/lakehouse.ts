import type { Config } from '../config/schema.ts'
import { asLakehouseError } from '../core/errors.ts'
import type { IngestResult } from '../flows/bulk-ingestion/report.ts'
import type { RepairResult } from '../flows/repair/repair.ts'
import type { Backup, Restoration } from '../lake/backup/backup.ts'
import type { LakeCatalog } from '../lake/catalogs/catalog.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import { type Access, Lake } from '../lake/lake.ts'
import type { LakeStatus } from '../lake/tables/status.ts'
import type { TierMoves } from '../lake/tiers/tiers.ts'
import { type Host, hostOf } from '../platform/host.ts'
import type { BoundTable } from '../query/bound-table.ts'
import { displayRows, explainQuery, type QueryLimits, type QueryOptions, runQuery, selectRows } from '../query/run-query.ts'
import type { OpenArchive } from '../sources/archive/discover.ts'
import type { ArchiveSelection } from '../sources/contract.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Gold } from './gold.ts'
import type { IngestOptions } from './ingest.ts'
import type { IsolatedQuery, QueryBounds } from './isolated-query.ts'
import { lakeOptions, type OnNotice, type QueryChoice, queryLimits, withArchive, withPlace } from './open.ts'
import type { DryRunSeries } from './plan-ingest.ts'
import type { Quality } from './quality.ts'
import type { RepairOptions } from './repair.ts'
import type { Tables } from './tables.ts'

const ignore = () => {}

// Modules that only single methods need are loaded when they are called, because most commands need few of them.

/** All operations of a lake, set up from one configuration. Clock, randomness, environment and an abort signal can be passed in. */
export class Lakehouse {
  readonly config: Config
  readonly #host: Host

  constructor(config: Config, host: Partial<Host> = {}) {
    this.config = config
    this.#host = hostOf(host)
  }

  /** Opens the lake for some work. Throws LAKE_NOT_FOUND, INTERRUPTED, and what the work throws. */
  async use<T>(access: Access, work: (lake: Lake) => Promise<T>, onNotice: OnNotice = ignore, workload?: string): Promise<T> {
    return await Lake.use(lakeOptions(this.config, this.#host, onNotice, workload), access, work)
  }

  /** Archive → bronze → silver → gold. Throws errors of the call as a whole; errors of single objects are in the result. */
  async ingest(options: IngestOptions): Promise<IngestResult> {
    const { ingest } = await import('./ingest.ts')
    return await ingest(this.config, this.#host, options)
  }

  /** What `ingest` would fetch, series by series, and the uncovered parts. Nothing is written, and the lake need not exist. */
  async *plan(request: ArchiveSelection, onNotice: OnNotice): AsyncGenerator<DryRunSeries> {
    const { planIngest } = await import('./plan-ingest.ts')
    yield* planIngest(this.config, this.#host, request, onNotice)
  }

  /** Runs `use` with the archive of an exchange at the configured address. */
  async withArchive<T>(exchange: string, use: (archive: OpenArchive) => Promise<T>): Promise<T> {
    return await withArchive(this.config, this.#host, exchange, ignore, ({ archive }) => use(archive))
  }

  /** Runs a statement and writes its result in a format, to a file or a stream. */
  async query(sql: string, options: QueryChoice & Omit<QueryOptions, keyof QueryLimits>): Promise<BoundTable[]> {
    return await this.use('read', ({ store }) => runQuery(store, sql, { ...options, ...queryLimits(this.config, this.#host, options) }))
  }

  /** The rows of a small result as objects. */
  async select(sql: string, asOf?: AsOf): Promise<Record<string, unknown>[]> {
    return await this.use('read', ({ store }) => selectRows(store, sql, queryLimits(this.config, this.#host, { asOf })))
  }

  /** The rows of a small result as values that JSON represents without loss. */
  async show(sql: string, asOf?: AsOf, choice: QueryChoice = {}): Promise<Record<string, unknown>[]> {
    return await this.use('read', ({ store }) => displayRows(store, sql, queryLimits(this.config, this.#host, { asOf, ...choice })))
  }

  /** The files that a statement would read. */
  async explain(sql: string, asOf?: AsOf, choice: QueryChoice = {}): Promise<BoundTable[]> {
    return await this.use('read', ({ store }) => explainQuery(store, sql, queryLimits(this.config, this.#host, { asOf, ...choice })))
  }

  /** Runs a statement that somebody else wrote: in a process of its own, within bounds of memory and time. Throws QUERY_LIMIT, and what the query throws. */
  async queryIsolated(query: Omit<IsolatedQuery, 'bounds'> & { readonly bounds: Partial<QueryBounds> }) {
    const { queryIsolated } = await import('./isolated-query.ts')
    const { timeoutSeconds, ...bounds } = this.config.query
    return await queryIsolated(this.config, this.#host, {
      ...query,
      bounds: { timeoutMs: timeoutSeconds * 1000, ...bounds, ...query.bounds },
    })
  }

  /** Works with the lake's tables, to read or to write them. */
  async withTables<T>(writes: boolean, use: (tables: Tables) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { Tables } = await import('./tables.ts')
    return await this.use(writes ? 'write' : 'read', (lake) => use(new Tables(lake)), onNotice)
  }

  /** Works with the quality of the data, to read or to write it. */
  async withQuality<T>(writes: boolean, use: (quality: Quality) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const [{ Quality }, { qualityOptions }] = await Promise.all([import('./quality.ts'), import('./quality-options.ts')])
    const options = qualityOptions(this.config, this.#host.nowMs())
    return await this.use(writes ? 'write' : 'read', (lake) => use(new Quality(lake, options)), onNotice)
  }

  /** Works with the gold tables, to read or to write them. */
  async withGold<T>(writes: boolean, use: (gold: Gold) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { Gold } = await import('./gold.ts')
    return await this.use(writes ? 'write' : 'read', (lake) => use(new Gold(lake)), onNotice, 'analytics')
  }

  /** Works with the tables as a catalog. A writable catalog serves clients, whose files other runs do not sweep. */
  async withCatalog<T>(writes: boolean, use: (catalog: LakeCatalog) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { LakeCatalog } = await import('../lake/catalogs/catalog.ts')
    return await this.use(writes ? 'serve' : 'read', (lake) => use(new LakeCatalog(lake)), onNotice)
  }

  /** Works with the objects of the lake directly. A missing lake is created. */
  async withStore<T>(use: (store: ObjectStore) => Promise<T>): Promise<T> {
    return await this.use('make', ({ store }) => use(store))
  }

  /** Moves old data files of a lake on disk to the directories of their tiers. Throws STORE_UNSUPPORTED for a lake in a bucket, which moves objects by its lifecycle rules. */
  async moveToTiers(dryRun: boolean): Promise<TierMoves> {
    const { tierLake } = await import('../lake/tiers/tiers.ts')
    return await this.use('read', (lake) => tierLake(lake, this.config.tiers, dryRun))
  }

  /** Copies metadata and ledger to another store. */
  async backUp(place: string): Promise<Backup> {
    const { backUp } = await import('../lake/backup/backup.ts')
    return await withPlace(this.config, this.#host, place, (to) =>
      this.use('read', ({ store, nowMs, signal }) => backUp(store, to.store, { nowMs, signal })),
    )
  }

  /** Restores from a backup what is missing, unreadable or older in the lake. A missing lake is created. */
  async restore(place: string, dryRun: boolean): Promise<Restoration> {
    const [{ restore }, { mendMarker }] = await Promise.all([import('../lake/backup/backup.ts'), import('./repair.ts')])
    await mendMarker(this.config, this.#host, dryRun).catch((error: unknown) => {
      if (asLakehouseError(error).code !== 'LAKE_NOT_FOUND') throw error
    })
    return await withPlace(this.config, this.#host, place, (from) =>
      this.use('make', async (lake) => {
        const restored = await restore(lake.store, from.store, { signal: lake.signal, dryRun })
        const tables = dryRun ? [] : restored.outcomes.filter((one) => one.restored)
        for (const { table } of tables) await lake.publish(table.replace('.', '/'))
        return restored
      }),
    )
  }

  /** Finds damaged files, sets them aside and makes them again. */
  async repair(options: RepairOptions): Promise<RepairResult> {
    const { repairLake } = await import('./repair.ts')
    return await repairLake(this.config, this.#host, options)
  }

  /** The content of the lake. */
  async status(): Promise<LakeStatus> {
    const { readStatus } = await import('../lake/tables/status.ts')
    return await this.use('read', (lake) => readStatus(lake))
  }
}
