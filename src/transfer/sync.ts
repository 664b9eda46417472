import { hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { type Finding, wholeFinding } from '../core/finding.ts'
import { localStore, sweepTemporaries } from '../storage/local.ts'
import { abortUpload, deleteObjects, listUploads } from '../storage/s3/operations.ts'
import { mayBeAtWork } from '../storage/temporary.ts'
import type { EngineId } from './engines/engine.ts'
import type { Pair } from './pair.ts'
import type { DiffBatch } from './plan/diff.ts'
import { diffPlaces, requireSource } from './plan/diff-places.ts'
import { loadPlan, savePlan } from './plan/plan-file.ts'
import { planKeys } from './plan/plan-keys.ts'
import { type Explanation, explainPlan } from './report/explain.ts'
import { type Efficiency, efficiency, type Spent } from './report/report.ts'
import { estimate, lastPace, type Pace } from './run/estimate.ts'
import { Journal } from './run/journal.ts'
import { withLease } from './run/lease.ts'
import { chooseRoute, type OperationMode, type Route } from './run/route.ts'
import { type ObjectOutcome, type RunCounts, TransferRun } from './run/run.ts'
import { refusedEngines, rememberRefusal } from './run/verdicts.ts'
import type { SyncMode } from './sync-mode.ts'

export type SyncRequest = {
  /** `sync` deletes what only the destination has. */
  readonly syncMode: SyncMode
  readonly maxDelete: number
  readonly mode: OperationMode
  readonly engine: EngineId | undefined
  readonly preferDirectSync: boolean
  readonly incremental: boolean
  readonly includes: (key: string) => boolean
  /** What of the source is looked at, relative to it. */
  readonly prefixes: readonly string[]
  /** Single objects, instead of what a listing tells. */
  readonly keys: readonly string[] | undefined
  readonly listParallel: number
  readonly planOut: string | undefined
  readonly planIn: string | undefined
  readonly maxDurationMs: number | undefined
  readonly maxBytes: number | undefined
}

export type SyncDeps = {
  readonly pair: Pair
  /** Where what must outlive the run is kept: a local directory. */
  readonly stateDirectory: string
  readonly drain: AbortSignal
  readonly nowMs: () => number
  readonly onProgress: (counts: Readonly<RunCounts>) => void
  readonly onNotice: (text: string) => void
  /** Gets the outcome of every object that the transfer looked at. */
  readonly onObject?: ((outcome: ObjectOutcome) => void) | undefined
}

export type SyncResult = {
  readonly run: string
  readonly counts: RunCounts & { objectsDeleted: number; objectsExtra: number }
  readonly route: Route
  readonly engines: Readonly<Partial<Record<EngineId, number>>>
  readonly efficiency: Efficiency
  readonly findings: readonly Finding[]
  readonly errors: readonly LakehouseError[]
}

/** Everything, as it is usually wanted: what is not named otherwise. */
export const DEFAULT_REQUEST: SyncRequest = {
  syncMode: 'copy',
  maxDelete: 1000,
  mode: 'auto',
  engine: undefined,
  preferDirectSync: true,
  incremental: true,
  includes: () => true,
  prefixes: [''],
  keys: undefined,
  listParallel: 4,
  planOut: undefined,
  planIn: undefined,
  maxDurationMs: undefined,
  maxBytes: undefined,
}

/** The folder of what is remembered of the transfers between two places. */
export function stateFolder(stateDirectory: string, pair: Pick<Pair, 'source' | 'destination'>): string {
  return join(stateDirectory, hash('sha256', `${placeName(pair.source)}\n${placeName(pair.destination)}`).slice(0, 16))
}

/** A place within the other would be copied into itself, or deleted as what the source does not have. Throws USAGE. */
function refuseOverlap({ source, destination }: Pair, { syncMode, incremental }: SyncRequest): void {
  const [from, to] = [`${placeName(source)}/`, `${placeName(destination)}/`]
  const problem =
    from === to && !incremental
      ? 'source and destination are the same place'
      : from !== to && to.startsWith(from)
        ? `${destination.address} lies within ${source.address}`
        : from !== to && from.startsWith(to) && syncMode === 'sync'
          ? `${source.address} lies within ${destination.address}, where objects would be deleted`
          : undefined
  if (problem !== undefined) throw new LakehouseError('USAGE', `${problem}: name places that lie apart`)
}

function placeName({ address, s3 }: Pair['source']): string {
  return s3 === undefined ? address : `${s3.address.endpoint ?? 'aws'} ${address}`
}

/** Makes the destination hold what the source holds. What is there already is left; what was begun by a run that was killed is put right. */
export async function syncPlaces(deps: SyncDeps, request: SyncRequest): Promise<SyncResult> {
  refuseOverlap(deps.pair, request)
  requireSource(deps.pair.source)
  const state = localStore(stateFolder(deps.stateDirectory, deps.pair))
  const startedMs = deps.nowMs()
  const run = `${new Date(startedMs).toISOString().replaceAll(/[-:.Z]/g, '')}-${randomBytes(3).toString('hex')}`
  return await withLease(state, run, deps.nowMs, () => new Sync(deps, request, run, state.url.slice('file://'.length), startedMs).run())
}

/** What `syncPlaces` would do, without doing it: nothing is written but a plan that is asked for. */
export async function explainSync(
  deps: SyncDeps,
  request: SyncRequest,
  onObject: Parameters<typeof explainPlan>[4],
): Promise<{ route: Route; explanation: Explanation }> {
  requireSource(deps.pair.source)
  const folder = stateFolder(deps.stateDirectory, deps.pair)
  const journal = await Journal.open(folder, 'plan')
  const sync = new Sync(deps, request, 'plan', folder, deps.nowMs())
  const route = await sync.route()
  return {
    route,
    explanation: await explainPlan(
      sync.plan(journal, () => {}),
      deps.pair,
      route,
      await lastPace(localStore(folder)),
      onObject,
    ),
  }
}

class Sync {
  readonly #deps: SyncDeps
  readonly #request: SyncRequest
  readonly #run: string
  readonly #folder: string
  readonly #startedMs: number
  readonly #findings: Finding[] = []
  readonly #errors: LakehouseError[] = []
  #extra = 0
  #toDelete: string[] = []
  #deleted = 0

  constructor(deps: SyncDeps, request: SyncRequest, run: string, folder: string, startedMs: number) {
    this.#deps = deps
    this.#request = request
    this.#run = run
    this.#folder = folder
    this.#startedMs = startedMs
  }

  async run(): Promise<SyncResult> {
    const { pair, nowMs } = this.#deps
    const cpu = process.cpuUsage()
    await sweepTemporaries(pair.scratch, mayBeAtWork)
    const journal = await Journal.open(this.#folder, this.#run)
    try {
      const route = await this.route()
      const pace = await lastPace(localStore(this.#folder))
      const transfer = this.#transfer(route, journal)
      await transfer.run(this.plan(journal, () => this.#restart(transfer)))
      if (transfer.endedEarly !== undefined)
        this.#note('incomplete', 'warning', transfer.counts.objectsPlanned, `the run ended early: ${transfer.endedEarly}`)
      await this.#abortDangling()
      await this.#delete(transfer, journal)
      await journal.close()
      return await this.#result(transfer, route, pace, {
        wallMs: nowMs() - this.#startedMs,
        cpuMs: cpuSince(cpu),
        peakRssBytes: process.resourceUsage().maxRSS * 1024,
      })
    } finally {
      await journal.close()
    }
  }

  async route(): Promise<Route> {
    const { pair, stateDirectory, nowMs } = this.#deps
    const { mode, engine, preferDirectSync } = this.#request
    const refused = await refusedEngines(stateDirectory, pair, nowMs())
    if (engine !== undefined) refused.delete(engine)
    const route = await chooseRoute(pair, { mode, engine, preferDirectSync, refused })
    if (engine === 's5cmd' && !route.engines.includes('s5cmd') && mode === 'direct_sync')
      throw new LakehouseError(
        'S5CMD_UNAVAILABLE',
        `s5cmd cannot be used: ${route.unfit.find((one) => one.engine === 's5cmd')?.reason ?? ''}`,
      )
    if (route.engines.length === 0) {
      const reasons = route.unfit.map((one) => `${one.engine}: ${one.reason}`).join('; ')
      throw new LakehouseError(
        'TRANSFER_IMPOSSIBLE',
        `nothing can move objects from ${pair.source.address} to ${pair.destination.address}: ${reasons}`,
      )
    }
    return route
  }

  #transfer(route: Route, journal: Journal): TransferRun {
    const { pair, drain, nowMs, onProgress, onNotice, stateDirectory } = this.#deps
    const { maxDurationMs, maxBytes } = this.#request
    return new TransferRun({
      pair,
      engines: route.engines,
      journal,
      drain,
      nowMs,
      onProgress,
      onObject: this.#deps.onObject,
      limits: { untilMs: maxDurationMs === undefined ? undefined : this.#startedMs + maxDurationMs, maxBytes },
      onRefused: (engine, error) => {
        onNotice(`${engine} is given up for this transfer: ${error.message}`)
        void rememberRefusal(stateDirectory, pair, engine, error, nowMs())
      },
    })
  }

  plan(journal: Journal, restart: () => void): AsyncIterable<DiffBatch> {
    const { pair, nowMs } = this.#deps
    const { planIn, planOut, includes, incremental, prefixes, keys, listParallel } = this.#request
    const places = { source: placeName(pair.source), destination: placeName(pair.destination) }
    if (planIn !== undefined)
      return loadPlan(planIn, places, async ({ key, replaces }) => (await pair.destination.store.head(key))?.etag === replaces)
    const options = { known: journal.known, includes, incremental }
    const plan =
      keys === undefined
        ? diffPlaces(pair.source, pair.destination, { ...options, prefixes, parallel: listParallel, restart })
        : planKeys(pair, keys, { ...options, onMissing: (key) => this.#missing(key) })
    const counted = this.#countExtra(plan)
    return planOut === undefined ? counted : savePlan(counted, planOut, places, new Date(nowMs()).toISOString())
  }

  #missing(key: string): void {
    this.#note('missing', 'error', 1, `${key} is not in the source`)
    this.#deps.onObject?.({ key, state: 'missing', size: 0, error: 'OBJECT_NOT_FOUND: it is not in the source' })
  }

  async *#countExtra(plan: AsyncIterable<DiffBatch>): AsyncGenerator<DiffBatch> {
    for await (const batch of plan) {
      this.#extra += batch.extra.length
      if (this.#request.syncMode === 'sync')
        for (const { key } of batch.extra) if (this.#toDelete.length <= this.#request.maxDelete) this.#toDelete.push(key)
      yield batch
    }
  }

  /** A listing turned out to be out of order: what it seemed to lack or to have besides does not count. */
  #restart(transfer: TransferRun): void {
    this.#extra = 0
    this.#toDelete = []
    transfer.counts.objectsSkipped = 0
    this.#deps.onNotice('a store does not list in the order of bytes: its listing is held in memory')
  }

  /** Uploads in parts that killed runs have begun below the destination: given up where they are for objects of this source. */
  async #abortDangling(): Promise<void> {
    const { source, destination } = this.#deps.pair
    const client = destination.s3
    if (client === undefined) return
    const { prefix } = client.address
    const uploads = await listUploads(client, prefix).catch((error: unknown) => {
      this.#deps.onNotice(`uploads in parts cannot be listed: ${asLakehouseError(error).message}`)
      return []
    })
    for (const { key, uploadId, initiatedMs } of uploads) {
      if (initiatedMs > this.#startedMs) continue
      if ((await source.store.head(key.slice(prefix.length)).catch(() => undefined)) !== undefined) await abortUpload(client, key, uploadId)
    }
  }

  /** Only after a plan that saw both sides whole, and a run in which nothing failed. */
  async #delete(transfer: TransferRun, journal: Journal): Promise<void> {
    const { syncMode, maxDelete, planIn } = this.#request
    if (syncMode !== 'sync' || this.#extra === 0 || planIn !== undefined) return
    if (transfer.endedEarly !== undefined || transfer.counts.objectsFailed > 0) {
      this.#note('not_deleted', 'warning', this.#extra, 'nothing was deleted, because not everything was copied')
      return
    }
    if (transfer.counts.objectsPlanned + transfer.counts.objectsSkipped === 0) {
      const why = `${this.#deps.pair.source.address} lists no object of the selection, and ${this.#extra} would be deleted from the destination`
      this.#errors.push(new LakehouseError('DELETE_REFUSED', why, { details: { extra: this.#extra } }))
      return
    }
    if (this.#extra > maxDelete) {
      this.#errors.push(
        new LakehouseError('DELETE_REFUSED', `${this.#extra} objects would be deleted, ${maxDelete} are allowed`, {
          details: { extra: this.#extra, maxDelete },
        }),
      )
      return
    }
    const { destination } = this.#deps.pair
    for (let at = 0; at < this.#toDelete.length; at += 1000) {
      const keys = this.#toDelete.slice(at, at + 1000)
      const refused =
        destination.s3 === undefined
          ? []
          : await deleteObjects(
              destination.s3,
              keys.map((key) => (destination.s3?.address.prefix ?? '') + key),
            )
      if (destination.s3 === undefined) for (const key of keys) await destination.store.delete(key)
      for (const { key, reason } of refused)
        this.#errors.push(new LakehouseError('STORE_REFUSED', `${key} was not deleted: ${reason}`, { details: { key } }))
      this.#deleted += keys.length - refused.length
      const gone = new Set(refused.map(({ key }) => key))
      for (const key of keys) if (!gone.has(key)) journal.add({ key, state: 'deleted', size: 0, etag: '' })
    }
  }

  async #result(transfer: TransferRun, route: Route, pace: Pace, spent: Spent): Promise<SyncResult> {
    const { pair } = this.#deps
    const { counts, byEngine, load } = transfer
    const listed = counts.objectsPlanned + counts.objectsSkipped + this.#extra
    if (counts.objectsVanished > 0)
      this.#note('vanished', 'warning', counts.objectsVanished, 'objects were gone from the source before they were copied')
    if (counts.objectsFailed > 0) this.#errors.push(...transfer.failures)
    const result: SyncResult = {
      run: this.#run,
      counts: { ...counts, objectsDeleted: this.#deleted, objectsExtra: this.#extra },
      route,
      engines: Object.fromEntries(byEngine),
      efficiency: { ...efficiency(pair, counts, byEngine, spent), estimated: estimate(pair, load, listed, pace) },
      findings: this.#findings,
      errors: this.#errors,
    }
    const errors = this.#errors.map(({ code, message, details }) => ({ code, message, details }))
    const about = {
      startedAt: new Date(this.#startedMs).toISOString(),
      source: placeName(pair.source),
      destination: placeName(pair.destination),
    }
    await localStore(this.#folder).put(`runs/${this.#run}.json`, Buffer.from(`${JSON.stringify({ ...about, ...result, errors })}\n`))
    return result
  }

  #note(check: string, severity: Finding['severity'], count: number, explanation: string): void {
    this.#findings.push(wholeFinding(this.#deps.pair.destination.address, check, severity, count, explanation))
  }
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return Math.round((user + system) / 1000)
}
