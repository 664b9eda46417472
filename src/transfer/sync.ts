import { hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { type Finding, wholeFinding } from '../core/finding.ts'
import { printable } from '../core/printable.ts'
import { privateStore, sweepTemporaries } from '../storage/local.ts'
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
import { refuseDeletion } from './run/refuse-deletion.ts'
import { chooseRoute, type OperationMode, type Route } from './run/route.ts'
import { type ObjectOutcome, type RunCounts, TransferRun } from './run/run.ts'
import { refusedEngines, rememberRefusal } from './run/verdicts.ts'
import type { SyncMode } from './sync-mode.ts'

export type SyncRequest = {
  /** `sync` deletes objects that only the destination has. */
  readonly syncMode: SyncMode
  readonly maxDelete: number
  /** Deletes nothing if the source lists less than this share of what the destination has and the source once had. */
  readonly minShare: number
  readonly mode: OperationMode
  readonly engine: EngineId | undefined
  readonly preferDirectSync: boolean
  readonly incremental: boolean
  readonly includes: (key: string) => boolean
  /** The prefixes of the source to list, relative to its address. */
  readonly prefixes: readonly string[]
  /** The keys to copy, instead of a listing. */
  readonly keys: readonly string[] | undefined
  readonly listParallel: number
  readonly planOut: string | undefined
  readonly planIn: string | undefined
  readonly maxDurationMs: number | undefined
  readonly maxBytes: number | undefined
}

export type SyncDeps = {
  readonly pair: Pair
  /** The local directory for journals, reports and leases, which outlive the run. */
  readonly stateDirectory: string
  readonly drain: AbortSignal
  readonly nowMs: () => number
  readonly onProgress: (counts: Readonly<RunCounts>) => void
  readonly onNotice: (text: string) => void
  /** Receives the outcome of every object of the transfer. */
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

/** The default request: it copies everything. */
export const DEFAULT_REQUEST: SyncRequest = {
  syncMode: 'copy',
  maxDelete: 1000,
  minShare: 0.5,
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

/** The state folder of transfers between two addresses. */
export function stateFolder(stateDirectory: string, pair: Pick<Pair, 'source' | 'destination'>): string {
  return join(stateDirectory, hash('sha256', `${uniqueAddress(pair.source)}\n${uniqueAddress(pair.destination)}`).slice(0, 16))
}

/** Refuses addresses that overlap: objects would be copied into their own source, or deleted as extra. Throws USAGE. */
function refuseOverlap({ source, destination }: Pair, { syncMode, incremental }: SyncRequest): void {
  const [from, to] = [`${uniqueAddress(source)}/`, `${uniqueAddress(destination)}/`]
  const problem =
    from === to && !incremental
      ? 'source and destination are the same address'
      : from !== to && to.startsWith(from)
        ? `the destination ${destination.address} is inside the source ${source.address}`
        : from !== to && from.startsWith(to) && syncMode === 'sync'
          ? `the source ${source.address} is inside the destination ${destination.address}, where sync would delete objects`
          : undefined
  if (problem !== undefined) throw new LakehouseError('USAGE', `${problem}: name two addresses that do not overlap`)
}

/** The address of a place, with the endpoint that tells equal buckets of different services apart. */
function uniqueAddress({ address, s3 }: Pair['source']): string {
  return s3 === undefined ? address : `${s3.address.endpoint ?? 'aws'} ${address}`
}

/** Copies objects until the destination holds what the source holds. Keeps objects that are already there, and repairs what a killed run left unfinished. */
export async function syncPlaces(deps: SyncDeps, request: SyncRequest): Promise<SyncResult> {
  refuseOverlap(deps.pair, request)
  requireSource(deps.pair.source)
  const state = privateStore(stateFolder(deps.stateDirectory, deps.pair))
  const startedMs = deps.nowMs()
  const run = `${new Date(startedMs).toISOString().replaceAll(/[-:.Z]/g, '')}-${randomBytes(3).toString('hex')}`
  return await withLease(state, run, deps.nowMs, () => new Sync(deps, request, run, state.url.slice('file://'.length), startedMs).run())
}

/** Explains what `syncPlaces` would do. Writes nothing except a plan file, when the request names one. */
export async function explainSync(
  deps: SyncDeps,
  request: SyncRequest,
  onObject: Parameters<typeof explainPlan>[4],
): Promise<{ route: Route; explanation: Explanation }> {
  refuseOverlap(deps.pair, request)
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
      await lastPace(privateStore(folder)),
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
      const pace = await lastPace(privateStore(this.#folder))
      const transfer = this.#transfer(route, journal)
      await transfer.run(this.plan(journal, () => this.#restart(transfer)))
      if (transfer.endedEarly !== undefined)
        this.#note(
          'incomplete',
          'warning',
          transfer.counts.objectsPlanned,
          `the run ended early, because ${transfer.endedEarly}: run it again to copy the rest`,
        )
      await this.#removeLeftovers()
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
        `s5cmd cannot copy from ${pair.source.address} to ${pair.destination.address}: ${route.unfit.find((one) => one.engine === 's5cmd')?.reason ?? ''}; name another --engine, or use --mode auto`,
      )
    if (route.engines.length === 0) {
      const reasons = route.unfit.map((one) => `${one.engine}: ${one.reason}`).join('; ')
      throw new LakehouseError(
        'TRANSFER_IMPOSSIBLE',
        `no allowed engine can copy from ${pair.source.address} to ${pair.destination.address} (${reasons}): use --mode auto, or change the addresses`,
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
        onNotice(`this transfer no longer uses ${engine}: ${error.message}`)
        void rememberRefusal(stateDirectory, pair, engine, error, nowMs())
      },
    })
  }

  plan(journal: Journal, restart: () => void): AsyncIterable<DiffBatch> {
    const { pair, nowMs } = this.#deps
    const { planIn, planOut, includes, incremental, prefixes, keys, listParallel } = this.#request
    const places = { source: uniqueAddress(pair.source), destination: uniqueAddress(pair.destination) }
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
    this.#note('missing', 'error', 1, `the source has no object ${key}: check the key`)
    this.#deps.onObject?.({ key, state: 'missing', size: 0, error: 'OBJECT_NOT_FOUND: the source has no such object' })
  }

  async *#countExtra(plan: AsyncIterable<DiffBatch>): AsyncGenerator<DiffBatch> {
    for await (const batch of plan) {
      this.#extra += batch.extra.length
      if (this.#request.syncMode === 'sync')
        for (const { key } of batch.extra) if (this.#toDelete.length <= this.#request.maxDelete) this.#toDelete.push(key)
      yield batch
    }
  }

  /** Starts counting again, because a listing was out of order: the missing and extra objects found so far may be wrong. */
  #restart(transfer: TransferRun): void {
    this.#extra = 0
    this.#toDelete = []
    transfer.counts.objectsSkipped = 0
    this.#deps.onNotice('a store does not list keys in the order of bytes: the transfer holds the whole listing in memory')
  }

  /** Removes what killed runs have left in the destination: temporary files, and multipart uploads of objects that the source has. */
  async #removeLeftovers(): Promise<void> {
    const { source, destination } = this.#deps.pair
    for (const key of destination.store.abandoned?.() ?? []) await destination.store.delete(key)
    const client = destination.s3
    if (client === undefined) return
    const { prefix } = client.address
    const uploads = await listUploads(client, prefix).catch((error: unknown) => {
      this.#deps.onNotice(`cannot list unfinished multipart uploads of ${client.address.bucket}: ${asLakehouseError(error).message}`)
      return []
    })
    for (const { key, uploadId, initiatedMs } of uploads) {
      if (initiatedMs > this.#startedMs) continue
      if ((await source.store.head(key.slice(prefix.length)).catch(() => undefined)) !== undefined) await abortUpload(client, key, uploadId)
    }
  }

  /** Deletes extra objects, only after a complete plan of both sides and a run without failures. */
  async #delete(transfer: TransferRun, journal: Journal): Promise<void> {
    const { syncMode, maxDelete, minShare, planIn } = this.#request
    if (syncMode !== 'sync' || this.#extra === 0 || planIn !== undefined) return
    const hasLeftOut = (this.#deps.pair.source.store.leftOut?.() ?? []).length > 0
    if (transfer.endedEarly !== undefined || transfer.counts.objectsFailed > 0 || hasLeftOut) {
      this.#note(
        'not_deleted',
        'warning',
        this.#extra,
        'nothing was deleted, because some objects were not copied: run again when the errors are fixed',
      )
      return
    }
    const refusal = refuseDeletion(this.#deps.pair, this.#extra, transfer.counts.objectsPlanned + transfer.counts.objectsSkipped, {
      maxDelete,
      minShare,
    })
    if (refusal !== undefined) {
      this.#errors.push(refusal)
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
        this.#errors.push(
          new LakehouseError('STORE_REFUSED', `the store did not delete ${key}: ${reason}; check the permissions on the bucket`, {
            details: { key },
          }),
        )
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
      this.#note('vanished', 'warning', counts.objectsVanished, 'the source removed these objects before they were copied')
    const leftOut = pair.source.store.leftOut?.() ?? []
    if (leftOut.length > 0)
      this.#note(
        'not_copied',
        'warning',
        leftOut.length,
        `these entries of the source are not regular files, or their names are not UTF-8: ${leftOut.slice(0, 5).map(printable).join(', ')}`,
      )
    if (pair.learnt.otherBytes > 0)
      this.#note(
        'other_bytes',
        'warning',
        pair.learnt.otherBytes,
        'the bytes of the copies do not have the MD5 that the source lists as ETag, and only their size was verified',
      )
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
      source: uniqueAddress(pair.source),
      destination: uniqueAddress(pair.destination),
    }
    await privateStore(this.#folder).put(`runs/${this.#run}.json`, Buffer.from(`${JSON.stringify({ ...about, ...result, errors })}\n`))
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
