import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asLakehouseError } from '../core/errors.ts'
import { type Finding, wholeFinding } from '../core/finding.ts'
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
import { everyTable, listTables } from './tables/list-tables.ts'

export type LakeOptions = {
  /** A directory or s3://bucket/prefix. */
  readonly address: string
  readonly stores: Omit<StoreDeps, 'nowMs' | 'random' | 'signal' | 'environment'>
  readonly engine: { readonly threads: number; readonly memoryLimitMb: number }
  readonly glue: GlueSettings | undefined
  readonly host: Host
  /** Receives messages that may interest the user but need no action. */
  readonly onNotice: (text: string) => void
}

/**
 * How a lake is opened. read: nothing changes, and the run is not registered. write: the run is registered, so that other runs do not remove files it is writing.
 * make: as write, and a missing lake is created. serve: as write, for clients that write files long before they commit them.
 */
export type Access = 'read' | 'write' | 'make' | 'serve'

/** Clocks may differ this much. */
const CLOCK_SKEW_MS = 5 * 60_000

/** An open lake: its objects and tables, an engine, the run that writes, and its notes. It stays open while the work given to `Lake.use` runs. */
export class Lake {
  readonly store: ObjectStore
  /** The engine, opened on first use. */
  readonly session: DuckDBSession
  readonly commits: CommitDeps
  /** The id of the run that writes; empty when nothing is written. */
  readonly run: string
  readonly ledger: LedgerWriter
  readonly signal: AbortSignal
  readonly nowMs: () => number
  /** Side tasks that failed although the requested work was done. */
  readonly findings: Finding[] = []
  readonly #run: Run | undefined
  readonly #host: Host
  readonly #place: Place
  readonly #publisher: ReturnType<typeof tablePublisher>
  readonly #stop = () => this.session.interrupt()
  #scratch: Promise<string> | undefined
  #swept: Promise<SweepOutcome> | undefined
  #hasConflicts = false
  #hasComparedClocks = false

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

  /** Opens a lake; the caller closes it. Throws LAKE_NOT_FOUND, LAKE_FORMAT_UNSUPPORTED, CONFIG_INVALID, STORE_UNSUPPORTED, INTERRUPTED. */
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

  /** Opens a lake, removes the leftovers of killed runs if the lake may be written, does the work, and closes the lake even when the work fails. Throws what `open` and the work throw. */
  static async use<T>(options: LakeOptions, access: Access, work: (lake: Lake) => Promise<T>): Promise<T> {
    const { signal } = options.host
    let lake: Lake | undefined
    let hasFailed = true
    try {
      lake = await Lake.open(options, access)
      await lake.sweep()
      const result = await work(lake)
      hasFailed = false
      return result
    } catch (error) {
      throw signal.aborted ? asLakehouseError(signal.reason, 'INTERRUPTED') : error
    } finally {
      await lake?.close({ hasFailed: hasFailed && access !== 'serve' })
    }
  }

  /** Ends the run. A failure or a conflict with another writer may leave orphaned files, so the next run is asked to sweep. */
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

  /** A table of a layer, or undefined when it does not exist. */
  async findTable(layer: Layer, name: string): Promise<Table | undefined> {
    return await loadTable(this.store, tableKey(layer, name))
  }

  /** A table of a layer. Throws TABLE_NOT_FOUND. */
  async table(layer: Layer, name: string): Promise<Table> {
    return required(await this.findTable(layer, name), tableKey(layer, name))
  }

  /** The present ledger, with the events of this run. The caller disposes of it. Throws LEDGER_CORRUPT. */
  async readLedger(): Promise<LedgerFold> {
    await this.ledger.flush()
    const fold = await LedgerFold.read(this.session, this.store)
    const { seq, at } = await fold.last()
    this.ledger.follow(seq)
    this.#compareClocks(at)
    return fold
  }

  /** A run whose clock differs from that of an earlier run is reported once: its own times, or those of the earlier run, are wrong. */
  #compareClocks(latest: string | null): void {
    if (latest === null || this.#hasComparedClocks) return
    this.#hasComparedClocks = true
    const aheadMs = Date.parse(latest) - this.nowMs()
    if (aheadMs < CLOCK_SKEW_MS) return
    const explanation = `the ledger has an event of ${latest}, but the clock of this machine says ${new Date(this.nowMs()).toISOString()}: correct the clock that is wrong; the order of events does not depend on it`
    this.findings.push(wholeFinding('lake', 'clock_behind', 'warning', 1, explanation))
  }

  /** Publishes a changed table to external readers. A failure is a finding, because the change itself is committed. */
  async publish(root: string): Promise<void> {
    this.findings.push(...(await this.#publisher.publish(root)))
  }

  /** A temporary folder on this machine, kept while the lake is open. */
  async scratch(): Promise<string> {
    this.#scratch ??= makeScratch()
    return await this.#scratch
  }

  /** Removes the leftovers of killed runs, once. Publishes all tables after it, because killed runs may have committed changes that they could not report. */
  async sweep(): Promise<SweepOutcome> {
    this.#swept ??= this.#sweep()
    return await this.#swept
  }

  async #sweep(): Promise<SweepOutcome> {
    if (this.#run === undefined) return { killed: 0, temporaries: 0, orphans: 0 }
    const swept = await sweepAfterCrash(this.store, this.#run)
    if (swept.killed > 0) for (const root of await everyTable(this.store)) await this.publish(root)
    return swept
  }
}
