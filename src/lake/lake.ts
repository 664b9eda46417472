import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asLakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { DuckDBSession } from '../platform/duckdb/session.ts'
import type { Host } from '../platform/host.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Place, StoreDeps } from '../storage/place.ts'
import { makeScratch } from '../storage/scratch.ts'
import type { GlueSettings } from './catalogs/glue.ts'
import { tablePublisher } from './catalogs/publisher.ts'
import type { CommitDeps } from './iceberg/commit.ts'
import { loadTable, required, type Table } from './iceberg/table.ts'
import { type Layer, tableKey } from './layout.ts'
import { LedgerFold } from './ledger/fold.ts'
import { LedgerWriter } from './ledger/writer.ts'
import { openExistingLake, openLake } from './open.ts'
import { beginRun, type Run } from './runs/run.ts'
import { type SweepOutcome, sweepAfterCrash } from './runs/sweep.ts'
import { listTables } from './tables/list-tables.ts'

export type LakeOptions = {
  /** A directory or s3://bucket/prefix. */
  readonly address: string
  readonly stores: Omit<StoreDeps, 'nowMs' | 'random' | 'signal' | 'environment'>
  readonly engine: { readonly threads: number; readonly memoryLimitMb: number }
  readonly glue: GlueSettings | undefined
  readonly host: Host
  /** Told of what a user may want to know and nothing has to be done about. */
  readonly onNotice: (text: string) => void
}

/**
 * What is done with a lake. read: nothing changes, and nobody is told. write: others know of the run, so that they sweep nothing that it is making. make: the same, and a lake that is not there
 * is made. serve: as write, for clients that write files long before they commit them.
 */
export type Access = 'read' | 'write' | 'make' | 'serve'

/** An open lake: its objects and tables, an engine, the run that writes, and what is told of it. It lives as long as the work that `Lake.use` is given. */
export class Lake {
  readonly store: ObjectStore
  /** The engine, opened when it is first asked for something. */
  readonly session: DuckDBSession
  readonly commits: CommitDeps
  /** Names what is written; empty where nothing is. */
  readonly run: string
  readonly ledger: LedgerWriter
  readonly signal: AbortSignal
  readonly nowMs: () => number
  /** What did not work besides, though what was asked for was done. */
  readonly findings: Finding[] = []
  readonly #run: Run | undefined
  readonly #host: Host
  readonly #place: Place
  readonly #publisher: ReturnType<typeof tablePublisher>
  readonly #stop = () => this.session.interrupt()
  #scratch: Promise<string> | undefined
  #hasConflicts = false

  private constructor(place: Place, run: Run | undefined, { host, engine, glue }: LakeOptions) {
    this.store = place.store
    this.session = DuckDBSession.lazy(async () => ({ ...engine, temporaryDirectory: join(await this.scratch(), 'main') }))
    const onConflict = () => {
      this.#hasConflicts = true
    }
    this.commits = { nowMs: host.nowMs, random: host.random, onConflict }
    this.run = run?.id ?? ''
    this.ledger = new LedgerWriter({ store: this.store, run: this.run, nowMs: host.nowMs })
    this.signal = host.signal
    this.nowMs = host.nowMs
    this.#run = run
    this.#host = host
    this.#place = place
    this.#publisher = tablePublisher(this.store, host.nowMs, glue)
    host.signal.addEventListener('abort', this.#stop)
  }

  /** Opens a lake. Whoever does closes it. Throws LAKE_NOT_FOUND, LAKE_FORMAT_UNSUPPORTED, CONFIG_INVALID, STORE_UNSUPPORTED, INTERRUPTED. */
  static async open(options: LakeOptions, access: Access): Promise<Lake> {
    const { host, onNotice } = options
    const { nowMs, random, signal, environment } = host
    const place = await (access === 'make' ? openLake : openExistingLake)(options.address, {
      ...options.stores,
      nowMs,
      random,
      signal,
      environment,
    })
    try {
      const serves = access === 'serve'
      const run = access === 'read' ? undefined : await beginRun(place.store, { nowMs, signal, onNotice }, { serves })
      return new Lake(place, run, options)
    } catch (error) {
      place.close()
      throw error
    }
  }

  /** Opens a lake for some work, and closes it whatever becomes of that. Throws what `open` and the work throw. */
  static async use<T>(options: LakeOptions, access: Access, work: (lake: Lake) => Promise<T>): Promise<T> {
    const { signal } = options.host
    let lake: Lake | undefined
    let hasFailed = true
    try {
      lake = await Lake.open(options, access)
      const result = await work(lake)
      hasFailed = false
      return result
    } catch (error) {
      throw signal.aborted ? asLakehouseError(signal.reason, 'INTERRUPTED') : error
    } finally {
      await lake?.close({ hasFailed: hasFailed && access !== 'serve' })
    }
  }

  /** Ends the run. After a failure, or a conflict with another writer, files may lie about that no table reaches: the next run is told to sweep. */
  async close({ hasFailed }: { readonly hasFailed: boolean }): Promise<void> {
    this.#host.signal.removeEventListener('abort', this.#stop)
    this.session.close()
    try {
      await this.ledger.flush()
    } finally {
      await this.#run?.end({ mayLeaveOrphans: hasFailed || this.#hasConflicts }).finally(() => this.#place.close())
      if (this.#run === undefined) this.#place.close()
      this.#publisher.close()
      if (this.#scratch !== undefined) await rm(await this.#scratch, { recursive: true, force: true })
    }
  }

  /** The names of a layer's tables, in order. */
  async tables(layer: Layer): Promise<string[]> {
    return await listTables(this.store, layer)
  }

  /** A table of a layer, or undefined where there is none. */
  async findTable(layer: Layer, name: string): Promise<Table | undefined> {
    return await loadTable(this.store, tableKey(layer, name))
  }

  /** A table of a layer. Throws TABLE_NOT_FOUND. */
  async table(layer: Layer, name: string): Promise<Table> {
    return required(await this.findTable(layer, name), tableKey(layer, name))
  }

  /** The ledger as it is now; what this run has told is in it. The caller disposes of it. Throws LEDGER_CORRUPT. */
  async readLedger(): Promise<LedgerFold> {
    await this.ledger.flush()
    return await LedgerFold.read(this.session, this.store)
  }

  /** Makes a changed table known to those who do not look at the lake itself. What fails of that is a finding: the table is changed all the same. */
  async publish(root: string): Promise<void> {
    this.findings.push(...(await this.#publisher.publish(root)))
  }

  /** A folder of this machine for what must lie there as long as the lake is open. */
  async scratch(): Promise<string> {
    this.#scratch ??= makeScratch()
    return await this.#scratch
  }

  /** Removes what killed runs have left behind. */
  async sweep(): Promise<SweepOutcome> {
    return this.#run === undefined ? { killed: 0, temporaries: 0, orphans: 0 } : await sweepAfterCrash(this.store, this.#run)
  }
}
