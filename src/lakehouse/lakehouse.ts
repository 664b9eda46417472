import type { Config } from '../config/schema.ts'
import type { IngestResult } from '../flows/bulk-ingestion/report.ts'
import type { Backup, Restoration } from '../lake/backup/backup.ts'
import type { LakeCatalog } from '../lake/catalogs/catalog.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import { type Access, Lake } from '../lake/lake.ts'
import type { LakeStatus } from '../lake/tables/status.ts'
import type { TierMove } from '../lake/tiers/tiers.ts'
import { type Host, hostOf } from '../platform/host.ts'
import type { BoundTable } from '../query/bound-table.ts'
import { displayRows, explainQuery, type QueryLimits, type QueryOptions, runQuery, selectRows } from '../query/run-query.ts'
import type { OpenArchive } from '../sources/archive/discover.ts'
import type { ArchiveSelection } from '../sources/contract.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Gold } from './gold.ts'
import type { IngestOptions } from './ingest.ts'
import { lakeOptions, type OnNotice, queryLimits, withArchive, withPlace } from './open.ts'
import type { DryRunSeries } from './plan-ingest.ts'
import type { Quality } from './quality.ts'
import type { Tables } from './tables.ts'

const ignore = () => {}

// What single methods need is loaded when they are called: most commands need little of it.

/** Everything that a lake can do, wired from one configuration. The clock, randomness, the environment and a signal that ends everything may be given. */
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

  /** Archive → bronze → silver → gold. Throws what concerns the call as a whole; what concerns single objects is in the result. */
  async ingest(options: IngestOptions): Promise<IngestResult> {
    const { ingest } = await import('./ingest.ts')
    return await ingest(this.config, this.#host, options)
  }

  /** What `ingest` would fetch, series by series, and what nothing covers. Nothing is written; there need not be a lake. */
  async *plan(request: ArchiveSelection, onNotice: OnNotice): AsyncGenerator<DryRunSeries> {
    const { planIngest } = await import('./plan-ingest.ts')
    yield* planIngest(this.config, this.#host, request, onNotice)
  }

  /** Runs `use` with the archive of an exchange, where the configuration says it is. */
  async withArchive<T>(exchange: string, use: (archive: OpenArchive) => Promise<T>): Promise<T> {
    return await withArchive(this.config, this.#host, exchange, ignore, ({ archive }) => use(archive))
  }

  /** Runs a statement and writes its result in a format, to a file or a stream. */
  async query(sql: string, options: Omit<QueryOptions, keyof QueryLimits> & Pick<QueryLimits, 'asOf' | 'layer'>): Promise<BoundTable[]> {
    return await this.use('read', ({ store }) => runQuery(store, sql, { ...options, ...this.#limits(options.asOf) }))
  }

  /** The rows of a small result as objects. */
  async select(sql: string, asOf?: AsOf): Promise<Record<string, unknown>[]> {
    return await this.use('read', ({ store }) => selectRows(store, sql, this.#limits(asOf)))
  }

  /** The rows of a small result as values that JSON carries without loss. */
  async show(sql: string, asOf: AsOf | undefined): Promise<Record<string, unknown>[]> {
    return await this.use('read', ({ store }) => displayRows(store, sql, this.#limits(asOf)))
  }

  async explain(sql: string, asOf: AsOf | undefined): Promise<BoundTable[]> {
    return await this.use('read', ({ store }) => explainQuery(store, sql, this.#limits(asOf)))
  }

  #limits(asOf: AsOf | undefined) {
    return queryLimits(this.config, this.#host, asOf)
  }

  /** Works with the lake's tables, to read or to write them. */
  async withTables<T>(writes: boolean, use: (tables: Tables) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { Tables } = await import('./tables.ts')
    return await this.use(writes ? 'write' : 'read', (lake) => use(new Tables(lake)), onNotice)
  }

  /** Works with what is known of the data's quality, to read or to write it. */
  async withQuality<T>(writes: boolean, use: (quality: Quality) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { Quality, qualityOptions } = await import('./quality.ts')
    const options = qualityOptions(this.config, this.#host.nowMs())
    return await this.use(writes ? 'write' : 'read', (lake) => use(new Quality(lake, options)), onNotice)
  }

  /** Works with what gold holds, to read or to make it. */
  async withGold<T>(writes: boolean, use: (gold: Gold) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { Gold } = await import('./gold.ts')
    return await this.use(writes ? 'write' : 'read', (lake) => use(new Gold(lake)), onNotice, 'analytics')
  }

  /** Works with the tables as a catalog; one that is written to serves clients, whose files no other run sweeps. */
  async withCatalog<T>(writes: boolean, use: (catalog: LakeCatalog) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { LakeCatalog } = await import('../lake/catalogs/catalog.ts')
    return await this.use(writes ? 'serve' : 'read', (lake) => use(new LakeCatalog(lake)), onNotice)
  }

  /** Works with the objects of the lake themselves; a lake that is not there is made. */
  async withStore<T>(use: (store: ObjectStore) => Promise<T>): Promise<T> {
    return await this.use('make', ({ store }) => use(store))
  }

  /** Moves old data files of a lake on disk to the directories of their tiers. Throws STORE_UNSUPPORTED for a lake in a bucket, whose store moves objects by `lifecycle`. */
  async moveToTiers(dryRun: boolean): Promise<TierMove[]> {
    const { tierLake } = await import('../lake/tiers/tiers.ts')
    return await this.use('read', (lake) => tierLake(lake, this.config.tiers, dryRun))
  }

  /** Copies metadata and ledger to a place. */
  async backUp(place: string): Promise<Backup> {
    const { backUp } = await import('../lake/backup/backup.ts')
    return await withPlace(this.config, this.#host, place, (to) =>
      this.use('read', ({ store, nowMs, signal }) => backUp(store, to.store, { nowMs, signal })),
    )
  }

  /** Brings back from a backup what the lake lacks or cannot read; a lake that is not there is made. */
  async restore(place: string, dryRun: boolean): Promise<Restoration> {
    const { restore } = await import('../lake/backup/backup.ts')
    return await withPlace(this.config, this.#host, place, (from) =>
      this.use('make', ({ store, signal }) => restore(store, from.store, { signal, dryRun })),
    )
  }

  /** What the lake holds. */
  async status(): Promise<LakeStatus> {
    const { readStatus } = await import('../lake/tables/status.ts')
    return await this.use('read', (lake) => readStatus(lake))
  }
}
