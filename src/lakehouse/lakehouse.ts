import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config } from '../config/schema.ts'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { parseInterval } from '../core/interval.ts'
import { US_PER_DAY } from '../core/time.ts'
import { type IngestProgress, type IngestRequest, type IngestResult, ingest } from '../flows/ingest.ts'
import { backUp, restore } from '../lake/backup/backup.ts'
import { LakeCatalog } from '../lake/catalogs/catalog.ts'
import { tablePublisher } from '../lake/catalogs/publisher.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import { currentObjects, foldLedger } from '../lake/ledger/fold.ts'
import { LedgerWriter } from '../lake/ledger/writer.ts'
import { openExistingLake, openLake } from '../lake/open.ts'
import { beginRun } from '../lake/runs/run.ts'
import { type LakeStatus, readStatus } from '../lake/tables/status.ts'
import { moveToTiers, type TierMove } from '../lake/tiers/tiers.ts'
import { DuckDBSession } from '../platform/duckdb/session.ts'
import { ResourceAllocator } from '../platform/resources.ts'
import { RetryBudget, retry } from '../platform/retry.ts'
import type { BoundTable } from '../query/bound-table.ts'
import { displayRows, explainQuery, type QueryLimits, type QueryOptions, runQuery, selectRows } from '../query/run-query.ts'
import { type BuildPool, createBuildPool } from '../silver/build/build-pool.ts'
import type { OpenArchive } from '../sources/archive/discover.ts'
import { type ArchiveRequest, type PlannedSeries, planArchive } from '../sources/archive/plan-archive.ts'
import { objectKey, PUBLIC_BUCKETS } from '../sources/objects.ts'
import { openOrigin } from '../sources/origin/open-origin.ts'
import { DEFAULT_SOURCE, EXCHANGE_IDS, findSource } from '../sources/registry.ts'
import { localStore } from '../storage/local.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { openPlace, type StoreDeps } from '../storage/open-store.ts'
import { makeScratch } from '../storage/scratch.ts'
import { withLease } from '../transfer/run/lease.ts'
import { Gold } from './gold.ts'
import { Quality } from './quality.ts'
import { Tables, type TablesDeps } from './tables.ts'
import type { Surroundings } from './transfers.ts'

export type IngestOptions = Omit<IngestRequest, 'now' | 'barIntervals' | 'exchange'> & {
  /** By default the first one of the registry. */
  readonly exchange?: string
  readonly onProgress: (progress: IngestProgress) => void
  readonly onNotice: (text: string) => void
}

/** A planned series, and how much of it the lake holds already. */
export type DryRunSeries = PlannedSeries & { readonly held: number }

/** Told of what a user may want to know and nothing has to be done about. */
type OnNotice = (text: string) => void

const ignore = () => {}

/** Everything that a lake can do, wired from one configuration. */
export class Lakehouse {
  readonly config: Config
  readonly #around: Surroundings

  constructor(config: Config, around: Surroundings) {
    this.config = config
    this.#around = around
  }

  /** Archive → bronze → silver → gold. Throws what concerns the call as a whole; what concerns single objects is in the result. */
  async ingest(options: IngestOptions): Promise<IngestResult> {
    const { nowMs, random, signal } = this.#around
    const { store, close } = await openLake(this.config.lake, this.#storeDeps(options.onNotice))
    const run = await beginRun(store, { nowMs, signal, onNotice: options.onNotice })
    const ledger = new LedgerWriter({ store, run: run.id, nowMs })
    const publisher = tablePublisher(store, nowMs, this.config.glue)
    let mayLeaveOrphans = false
    const onConflict = () => {
      mayLeaveOrphans = true
    }
    const exchange = options.exchange ?? DEFAULT_SOURCE.id
    const request = { ...options, exchange, now: nowMs() * 1000, barIntervals: this.config.gold.intervals.map(parseInterval) }
    const fixed = {
      store,
      run,
      ledger,
      signal,
      commits: { nowMs, random, onConflict },
      limits: this.config.engine,
      concurrency: this.config.archive.concurrency,
      publish: publisher.publish,
    }
    try {
      return await this.#withOrigin(exchange, options.onNotice, (archive, attempt) =>
        this.#withScratch((scratch) =>
          this.#withPool(scratch, (pool) => {
            if (options.layers.has('silver')) pool.warmUp()
            return this.#withSession(scratch, (session) =>
              ingest({ ...fixed, archive, attempt, session, pool, onProgress: options.onProgress }, request),
            )
          }),
        ),
      )
    } catch (error) {
      mayLeaveOrphans = true
      throw signal.aborted ? asLakehouseError(signal.reason, 'INTERRUPTED') : error
    } finally {
      await ledger
        .flush()
        .finally(() => run.end({ mayLeaveOrphans }))
        .finally(close)
        .finally(publisher.close)
    }
  }

  /** What `ingest` would fetch, series by series, and what nothing covers. Nothing is written. */
  async *plan(request: Omit<ArchiveRequest, 'now'>, onNotice: (text: string) => void): AsyncGenerator<DryRunSeries> {
    const place = await openExistingLake(this.config.lake, this.#storeDeps(onNotice)).catch((error: unknown) => {
      // There need not be a lake yet to plan for it.
      if (asLakehouseError(error).code === 'LAKE_NOT_FOUND') return undefined
      throw error
    })
    const { archive } = await this.#openOrigin(request.exchange, onNotice)
    const scratch = await makeScratch()
    const session = await DuckDBSession.open({ threads: 1, memoryLimitMb: this.config.engine.memoryLimitMb, temporaryDirectory: scratch })
    try {
      if (place !== undefined) await foldLedger(session, place.store)
      for await (const planned of planArchive(archive, { ...request, now: this.#around.nowMs() * 1000 })) {
        yield { ...planned, held: place === undefined ? 0 : await countHeld(session, archive, planned) }
      }
    } finally {
      session.close()
      place?.close()
      await archive.origin.close()
      await rm(scratch, { recursive: true, force: true })
    }
  }

  /** Runs `use` with the archive of an exchange, where the configuration says it is. */
  async withArchive<T>(exchange: string, use: (archive: OpenArchive) => Promise<T>): Promise<T> {
    return await this.#withOrigin(
      exchange,
      () => {},
      (archive) => use(archive),
    )
  }

  /** Runs a statement and writes its result in a format, to a file or standard output. */
  async query(
    sql: string,
    options: Pick<QueryOptions, 'format' | 'output' | 'asOf' | 'layer'>,
    write: (text: string) => void,
  ): Promise<BoundTable[]> {
    return await this.#withLake((store) => runQuery(store, sql, { ...options, ...this.#queryLimits(options.asOf) }, write))
  }

  /** The rows of a small result as objects. */
  async select(sql: string, asOf?: AsOf): Promise<Record<string, unknown>[]> {
    return await this.#withLake((store) => selectRows(store, sql, this.#queryLimits(asOf)))
  }

  /** The rows of a small result as values that JSON carries without loss. */
  async show(sql: string, asOf: AsOf | undefined): Promise<Record<string, unknown>[]> {
    return await this.#withLake((store) => displayRows(store, sql, this.#queryLimits(asOf)))
  }

  async explain(sql: string, asOf: AsOf | undefined): Promise<BoundTable[]> {
    return await this.#withLake((store) => explainQuery(store, sql, this.#queryLimits(asOf)))
  }

  #queryLimits(asOf: AsOf | undefined): QueryLimits {
    const { workers, memoryLimitMb } = this.config.engine
    const { coolDirectory, archiveDirectory } = this.config.tiers
    const linked = [coolDirectory, archiveDirectory].filter((folder) => folder !== '').map((folder) => resolve(folder))
    return { asOf, threads: workers, memoryLimitMb: Math.max(memoryLimitMb, 512), signal: this.#around.signal, linked }
  }

  /** Works with the lake's tables; with `writes`, as a run that others know of. Throws LAKE_NOT_FOUND. */
  async withTables<T>(writes: boolean, use: (tables: Tables) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    return await this.#withDeps(writes, (deps) => use(new Tables(deps)), onNotice)
  }

  /** Works with what is known of the data's quality; with `writes`, as a run that others know of. Throws LAKE_NOT_FOUND. */
  async withQuality<T>(writes: boolean, use: (quality: Quality) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { weights, maxStaleDays } = this.config.quality
    const { maxEntryBytes } = this.config.engine
    const options = { maxEntryBytes, weights, staleUs: maxStaleDays * US_PER_DAY, nowUs: this.#around.nowMs() * 1000 }
    return await this.#withDeps(writes, (deps) => use(new Quality(deps, options)), onNotice)
  }

  /** Makes what gold holds, as a run that others know of. Throws LAKE_NOT_FOUND. */
  async withGold<T>(use: (gold: Gold) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    return await this.#withDeps(true, (deps) => use(new Gold(deps, { signal: this.#around.signal })), onNotice, 'analytics')
  }

  async #withDeps<T>(writes: boolean, use: (deps: TablesDeps) => Promise<T>, onNotice: OnNotice, workload?: string): Promise<T> {
    const { nowMs, random, signal } = this.#around
    const commits = { nowMs, random, onConflict: ignore }
    const withSession = <R>(work: (session: DuckDBSession) => Promise<R>) =>
      this.#withScratch((scratch) => this.#withSession(scratch, work, workload))
    return await this.#withLake(async (store) => {
      const run = writes ? await beginRun(store, { nowMs, signal, onNotice }) : undefined
      let mayLeaveOrphans = writes
      const publisher = tablePublisher(store, nowMs, this.config.glue)
      try {
        const result = await use({ store, commits, run: run?.id ?? '', withSession, publish: publisher.publish })
        mayLeaveOrphans = false
        return result
      } catch (error) {
        throw signal.aborted ? asLakehouseError(signal.reason, 'INTERRUPTED') : error
      } finally {
        publisher.close()
        await run?.end({ mayLeaveOrphans })
      }
    })
  }

  /** Works with the tables as a catalog; with `writes`, as a run that others know of, so that none of them sweeps what clients are writing. */
  async withCatalog<T>(writes: boolean, use: (catalog: LakeCatalog) => Promise<T>, onNotice: OnNotice = ignore): Promise<T> {
    const { nowMs, random, signal } = this.#around
    return await this.#withLake(async (store) => {
      const run = writes ? await beginRun(store, { nowMs, signal, onNotice }, { serves: true }) : undefined
      const publisher = tablePublisher(store, nowMs, this.config.glue)
      try {
        return await use(new LakeCatalog(store, { nowMs, random, onConflict: ignore }, publisher.publish))
      } finally {
        publisher.close()
        await run?.end({ mayLeaveOrphans: false })
      }
    })
  }

  /** Works with the objects of the lake themselves; a lake that is not there is made. */
  async withStore<T>(use: (store: ObjectStore) => Promise<T>): Promise<T> {
    const { store, close } = await openLake(this.config.lake, this.#storeDeps())
    try {
      return await use(store)
    } finally {
      close()
    }
  }

  /** Moves old data files of a lake on disk to the directories of their tiers. Throws STORE_UNSUPPORTED for a lake in a bucket, whose store moves objects by `lifecycle`. */
  async moveToTiers(dryRun: boolean): Promise<TierMove[]> {
    const { nowMs } = this.#around
    return await this.#withLake(async ({ capabilities, files }) => {
      if (!capabilities.localFiles)
        throw new LakehouseError('STORE_UNSUPPORTED', 'a bucket moves its objects by itself: put the rules of `tiers lifecycle` into it')
      const [lake = ''] = files.folders
      const move = () => moveToTiers(lake, this.config.tiers, { nowMs: nowMs(), dryRun })
      return dryRun ? await move() : await withLease(localStore(join(lake, '.tiers')), 'tiers', move)
    })
  }

  /** Copies metadata and ledger to a place. */
  async backUp(place: string): ReturnType<typeof backUp> {
    const { nowMs, signal } = this.#around
    const to = openPlace(place, this.#storeDeps())
    try {
      return await this.#withLake((store) => backUp(store, to.store, { nowMs, signal }))
    } finally {
      to.close()
    }
  }

  /** Brings back from a backup what the lake lacks or cannot read; a lake that is not there is made. */
  async restore(place: string, dryRun: boolean): ReturnType<typeof restore> {
    const { nowMs, signal } = this.#around
    const from = openPlace(place, this.#storeDeps())
    const lake = await openLake(this.config.lake, this.#storeDeps())
    const run = await beginRun(lake.store, { nowMs, signal, onNotice: ignore })
    try {
      return await restore(lake.store, from.store, { signal, dryRun })
    } finally {
      await run.end({ mayLeaveOrphans: false })
      lake.close()
      from.close()
    }
  }

  /** What the lake holds. */
  async status(): Promise<LakeStatus> {
    return await this.#withLake((store) =>
      this.#withScratch((scratch) => this.#withSession(scratch, (session) => readStatus(store, session))),
    )
  }

  /** Runs `use` with the lake, which must be there. */
  async #withLake<T>(use: (store: ObjectStore) => Promise<T>): Promise<T> {
    const { store, close } = await openExistingLake(this.config.lake, this.#storeDeps())
    try {
      return await use(store)
    } finally {
      close()
    }
  }

  #storeDeps(onNotice: OnNotice = ignore): StoreDeps {
    const { archive, cache, stores } = this.config
    const { nowMs, random, signal } = this.#around
    return {
      connections: archive.concurrency,
      idleTimeoutMs: archive.idleTimeoutMs,
      attempts: archive.attempts,
      retryDelayMs: archive.retryDelayMs,
      environment: process.env,
      nowMs,
      random,
      signal,
      onRetry: (error, pauseMs) => onNotice(`${error.code}: ${error.message}; again in ${Math.round(pauseMs)} ms`),
      cache: { directory: cache.directory, limitBytes: cache.limitMb * 2 ** 20 },
      names: stores,
      aliases: PUBLIC_BUCKETS,
    }
  }

  async #openOrigin(exchange: string, onNotice: (text: string) => void) {
    const source = findSource(exchange)
    const { archive } = this.config
    const { nowMs, random, signal } = this.#around
    const budget = new RetryBudget({ capacity: 100, earnedPerCall: 0.5 })
    const policy = { attempts: archive.attempts, baseDelayMs: archive.retryDelayMs, maxDelayMs: 20_000 }
    const attempt = <T>(call: () => Promise<T>): Promise<T> =>
      retry(
        policy,
        {
          random,
          budget,
          signal,
          onRetry: (error, pauseMs) => onNotice(`${error.code}: ${error.message}; again in ${Math.round(pauseMs)} ms`),
        },
        call,
      )
    // Where the configuration names the public site, it is that of the exchange that is asked for.
    const address = EXCHANGE_IDS.includes(archive.origin) ? exchange : archive.origin
    const origin = await openOrigin(source, address, {
      idleTimeoutMs: archive.idleTimeoutMs,
      connections: archive.concurrency,
      attempts: archive.attempts,
      retryDelayMs: archive.retryDelayMs,
      environment: process.env,
      nowMs,
      random,
      signal,
      attempt,
    })
    return { archive: { source, origin }, attempt }
  }

  async #withOrigin<T>(
    exchange: string,
    onNotice: (text: string) => void,
    use: (archive: OpenArchive, attempt: <R>(call: () => Promise<R>) => Promise<R>) => Promise<T>,
  ): Promise<T> {
    const { archive, attempt } = await this.#openOrigin(exchange, onNotice)
    try {
      return await use(archive, attempt)
    } finally {
      await archive.origin.close()
    }
  }

  async #withScratch<T>(use: (scratch: string) => Promise<T>): Promise<T> {
    const scratch = await makeScratch()
    try {
      return await use(scratch)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  async #withSession<T>(scratch: string, use: (session: DuckDBSession) => Promise<T>, workload?: string): Promise<T> {
    const { workers, memoryLimitMb } = this.config.engine
    const threads = workload === undefined ? workers : Math.min(workers, new ResourceAllocator().allocateHere(workload, 0).cpus)
    const session = await DuckDBSession.open({ threads, memoryLimitMb, temporaryDirectory: join(scratch, 'main') })
    const stop = () => session.interrupt()
    this.#around.signal.addEventListener('abort', stop)
    try {
      return await use(session)
    } finally {
      this.#around.signal.removeEventListener('abort', stop)
      session.close()
    }
  }

  async #withPool<T>(scratch: string, use: (pool: BuildPool) => Promise<T>): Promise<T> {
    const { workers, memoryLimitMb } = this.config.engine
    const pool = createBuildPool(workers, { memoryLimitMb, temporaryDirectory: scratch })
    const stop = () => void pool.close()
    this.#around.signal.addEventListener('abort', stop)
    try {
      return await use(pool)
    } finally {
      this.#around.signal.removeEventListener('abort', stop)
      await pool.close()
    }
  }
}

async function countHeld(session: DuckDBSession, { source }: OpenArchive, { series, files }: PlannedSeries): Promise<number> {
  const held = new Set<string>()
  for (const period of ['daily', 'monthly'] as const)
    for (const key of (await currentObjects(session, objectKey(source, source.archive.seriesPrefix(series, period)))).keys()) held.add(key)
  return files.filter(({ key }) => held.has(key)).length
}
