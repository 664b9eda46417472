import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { AdaptiveLimit } from '../../platform/adaptive-limit.ts'
import { Semaphore } from '../../platform/semaphore.ts'
import { checkKey } from '../../storage/object-store.ts'
import type { EngineId, Moved, TransferEngine } from '../engines/engine.ts'
import { TRANSFER_ENGINES } from '../engines/registry.ts'
import { PART_LEAST } from '../engines/upload.ts'
import type { Pair } from '../pair.ts'
import type { DiffBatch, TransferObject } from '../plan/diff.ts'
import { addLoad } from './estimate.ts'
import { strategyFor } from './failure.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { partBytesFor, transferClass } from './tuning.ts'

export type RunCounts = {
  objectsPlanned: number
  objectsCopied: number
  objectsSkipped: number
  objectsFailed: number
  objectsVanished: number
  bytesPlanned: number
  bytesCopied: number
  bytesThrough: number
  bytesOnDisk: number
}

/** The outcome of one object. `key` is relative to the source; `size` is in bytes. */
export type ObjectOutcome = {
  readonly key: string
  readonly state: 'copied' | 'unchanged' | 'missing' | 'vanished' | 'failed'
  readonly size: number
  readonly error: string | undefined
}

export type RunDeps = {
  readonly pair: Pair
  /** In the order in which an object tries them. */
  readonly engines: readonly EngineId[]
  readonly journal: Journal
  readonly limits: { readonly untilMs: number | undefined; readonly maxBytes: number | undefined }
  /** Starts no more objects; finishes those that have begun. */
  readonly drain: AbortSignal
  readonly nowMs: () => number
  readonly onProgress: (counts: Readonly<RunCounts>) => void
  readonly onObject: ((outcome: ObjectOutcome) => void) | undefined
  /** Called when the run stops using an engine, because the store refuses it. */
  readonly onRefused: (engine: EngineId, error: LakehouseError) => void
}

/** The number of refused objects in a row after which the run stops using an engine. PROBES applies while the engine has not copied any object. */
const REFUSALS = 8
const PROBES = 3

/** The number of times that the same engine tries an object again. */
const REPEATS = 2

/** The number of times that an object is planned again because its source changed. */
const RENEWALS = 2

/** The number of batches that run at the same time, for engines that copy many objects with one command. */
const BATCHES_AT_ONCE = 2

/** Copies the objects of a plan, as many at the same time as the destination allows. Each object uses the first engine that can copy it, and ends in exactly one state. */
export class TransferRun {
  readonly counts: RunCounts = {
    objectsPlanned: 0,
    objectsCopied: 0,
    objectsSkipped: 0,
    objectsFailed: 0,
    objectsVanished: 0,
    bytesPlanned: 0,
    bytesCopied: 0,
    bytesThrough: 0,
    bytesOnDisk: 0,
  }
  readonly byEngine = new Map<EngineId, number>()
  /** The planned objects by the engine that each object tries first. */
  readonly load = new Map<EngineId | null, { objects: number; bytes: number }>()
  readonly failures: LakehouseError[] = []
  /** The reason why the run ended before the end of its plan, or undefined. */
  endedEarly: string | undefined
  readonly #deps: RunDeps
  readonly #refusals = new Map<EngineId, number>()
  readonly #given = new Set<EngineId>()
  readonly #limits = new Map<string, AdaptiveLimit>()
  readonly #waiting = new Map<string, { readonly engine: EngineId; readonly objects: TransferObject[] }>()
  readonly #batches = new Semaphore(BATCHES_AT_ONCE)
  #stop: LakehouseError | undefined

  constructor(deps: RunDeps) {
    this.#deps = deps
  }

  async run(batches: AsyncIterable<DiffBatch>): Promise<void> {
    const feed = new Feed(batches, (batch) => this.#note(batch))
    // Copy the first objects alone: they show whether the store allows the first engine at all.
    const [foremost] = this.#deps.engines
    const canBeRefused = foremost === 'server-copy' || foremost === 's5cmd'
    for (let probes = 0; canBeRefused && probes < PROBES && !this.byEngine.has(foremost); probes++) {
      await feed.load()
      const object = this.#goesOn() ? this.#take(feed) : undefined
      if (object === undefined) break
      await this.#single(object)
    }
    await Promise.all(Array.from({ length: this.#deps.pair.concurrency }, () => this.#lane(feed)))
    if (this.#stop !== undefined) throw this.#stop
  }

  /** Copies one object after the other. The first lane that fails ends all lanes. */
  async #lane(feed: Feed): Promise<void> {
    try {
      while (this.#goesOn()) {
        const object = this.#take(feed)
        if (object !== undefined) await this.#next(object)
        else if (!feed.isEnded) await feed.load()
        else return await this.#rest()
      }
    } catch (error) {
      this.#stop ??= asLakehouseError(error)
    }
  }

  #goesOn(): boolean {
    const { drain, limits, nowMs, pair } = this.#deps
    pair.signal.throwIfAborted()
    if (drain.aborted) this.endedEarly = 'it received a signal to end'
    else if (limits.untilMs !== undefined && nowMs() >= limits.untilMs) this.endedEarly = 'the time limit is reached'
    else if (limits.maxBytes !== undefined && this.counts.bytesCopied >= limits.maxBytes) this.endedEarly = 'the byte limit is reached'
    return this.endedEarly === undefined && this.#stop === undefined
  }

  #note({ transfer, unchanged }: DiffBatch): void {
    this.counts.objectsPlanned += transfer.length
    for (const object of transfer) {
      this.counts.bytesPlanned += object.size
      addLoad(this.load, this.#engineFor(object, 0) ?? null, 1, object.size)
    }
    this.counts.objectsSkipped += unchanged.length
    for (const { key, size } of unchanged) this.#deps.onObject?.({ key, state: 'unchanged', size, error: undefined })
    this.#deps.onProgress(this.counts)
  }

  /** The next object. One whose key a store cannot hold fails here, before an engine sees it. */
  #take(feed: Feed): TransferObject | undefined {
    for (let object = feed.take(); object !== undefined; object = feed.take())
      try {
        checkKey(object.key)
        return object
      } catch (error) {
        this.#failed(object, [], asLakehouseError(error))
      }
    return undefined
  }

  async #next(object: TransferObject): Promise<void> {
    const engine = this.#engineFor(object, 0)
    if (engine === undefined || this.#engine(engine).moveBatch === undefined) return await this.#single(object)
    const { name, batch } = transferClass(object.size, this.#deps.pair)
    const waiting = this.#waiting.get(`${engine} ${name}`) ?? { engine, objects: [] }
    this.#waiting.set(`${engine} ${name}`, waiting)
    waiting.objects.push(object)
    if (waiting.objects.length >= batch) await this.#batch(engine, waiting.objects.splice(0))
  }

  /** Copies the batches that are not full, when no more objects come. */
  async #rest(): Promise<void> {
    for (const { engine, objects } of this.#waiting.values()) if (objects.length > 0) await this.#batch(engine, objects.splice(0))
  }

  #engine(id: EngineId): TransferEngine {
    return TRANSFER_ENGINES[id]
  }

  #engineFor(object: TransferObject, from: number): EngineId | undefined {
    const { engines, pair } = this.#deps
    for (let at = from; at < engines.length; at++) {
      const id = engines[at]
      if (id !== undefined && !this.#given.has(id) && TRANSFER_ENGINES[id].refuses(object, pair) === undefined) return id
    }
    return undefined
  }

  async #batch(engine: EngineId, objects: readonly TransferObject[]): Promise<void> {
    await this.#batches.take(1)
    try {
      for await (const outcome of this.#engine(engine).moveBatch?.(objects, this.#deps.pair) ?? []) {
        if ('moved' in outcome) this.#copied(outcome.object, engine, outcome.moved, [])
        else await this.#single(outcome.object, { engine, error: outcome.error })
      }
    } finally {
      this.#batches.give(1)
    }
  }

  /** Copies one object, engine after engine. `before` is its failure in a batch. */
  async #single(planned: TransferObject, before?: { engine: EngineId; error: LakehouseError }): Promise<void> {
    const history: string[] = []
    let object = planned
    let position = 0
    let again = 0
    let renewals = 0
    let trouble = before
    for (;;) {
      const engine = trouble?.engine ?? this.#engineFor(object, position)
      if (engine === undefined) return this.#failed(object, history, this.#noEngine(object, history))
      const moved = trouble?.error ?? (await this.#try(object, engine, again))
      trouble = undefined
      if (!(moved instanceof LakehouseError)) return this.#copied(object, engine, moved, history)
      history.push(`${engine}: ${moved.code}`)
      this.#remember(moved)
      const strategy = strategyFor(moved)
      if (strategy === 'stop') {
        this.#stop ??= moved
        return
      }
      if (strategy === 'fail') return this.#failed(object, history, moved)
      if (strategy === 'renew' || strategy === 'vanished') {
        const renewed = await this.#renew(object)
        if (renewed === undefined) return this.#vanished(object, history)
        if (++renewals > RENEWALS) return this.#failed(object, history, moved)
        object = renewed
        continue
      }
      if (strategy === 'again' && again++ < REPEATS && this.#engine(engine).move !== undefined) continue
      if (strategy === 'next') this.#refused(engine, moved)
      again = 0
      position = this.#deps.engines.indexOf(engine) + 1
      if (this.#engineFor(object, position) === undefined) return this.#failed(object, history, moved)
    }
  }

  /** Tries one engine. Repeated attempts use smaller parts, which cost less when they fail. */
  async #try(object: TransferObject, engine: EngineId, again: number): Promise<Moved | LakehouseError> {
    const { pair } = this.#deps
    const limit = this.#limitFor(object)
    const room = limit.enter()
    if (room !== undefined) await room
    const { generation } = limit
    if (pair.requestsPerSecond !== undefined) await pair.requestsPerSecond.take(1)
    const gentle = again === 0 ? pair : { ...pair, partBytes: Math.max(PART_LEAST, (pair.partBytes ?? partBytesFor(object.size)) >> again) }
    try {
      const { move, moveBatch }: TransferEngine = TRANSFER_ENGINES[engine]
      const moved = move === undefined ? await onlyOne(moveBatch?.([object], gentle)) : await move(object, gentle)
      limit.leave('good', generation)
      return moved
    } catch (error) {
      const failure = asLakehouseError(error)
      limit.leave(failure.code === 'STORE_THROTTLED' ? 'throttled' : 'good', generation)
      return failure
    }
  }

  /** The limit for an object: one per size class and per prefix by which stores divide their load. */
  #limitFor({ key, size }: TransferObject): AdaptiveLimit {
    const { name, initial, atOnce } = transferClass(size, this.#deps.pair)
    let end = 0
    for (let depth = 0; depth < 4 && end >= 0; depth++) end = key.indexOf('/', end + 1)
    const prefix = `${name} ${end < 0 ? '' : key.slice(0, end)}`
    const known = this.#limits.get(prefix)
    if (known !== undefined) return known
    const fresh = new AdaptiveLimit({ initial, max: atOnce })
    this.#limits.set(prefix, fresh)
    return fresh
  }

  async #renew(object: TransferObject): Promise<TransferObject | undefined> {
    const now = await this.#deps.pair.source.store.head(object.key).catch(() => undefined)
    return now === undefined ? undefined : { ...object, size: now.size, etag: now.etag, lastModifiedMs: now.lastModifiedMs }
  }

  #refused(engine: EngineId, error: LakehouseError): void {
    const refusals = (this.#refusals.get(engine) ?? 0) + 1
    this.#refusals.set(engine, refusals)
    if (this.#given.has(engine) || refusals < (this.byEngine.has(engine) ? REFUSALS : PROBES)) return
    if (this.#deps.engines.at(-1) === engine) return
    this.#given.add(engine)
    this.#deps.onRefused(engine, error)
  }

  #remember(error: LakehouseError): void {
    if (!this.failures.some((other) => other.code === error.code)) this.failures.push(error)
  }

  #noEngine(object: TransferObject, history: readonly string[]): LakehouseError {
    const { engines, pair } = this.#deps
    const reasons = engines.map((id) => `${id}: ${TRANSFER_ENGINES[id].refuses(object, pair) ?? 'no longer used in this run'}`)
    return new LakehouseError(
      'TRANSFER_IMPOSSIBLE',
      `no engine can copy ${object.key} (${[...history, ...reasons].join('; ')}): see sync --explain`,
      {
        details: { key: object.key },
      },
    )
  }

  #copied(object: TransferObject, engine: EngineId, moved: Moved, history: readonly string[]): void {
    const { counts } = this
    counts.objectsCopied++
    counts.bytesCopied += object.size
    counts.bytesThrough += moved.throughBytes
    counts.bytesOnDisk += moved.diskBytes
    this.byEngine.set(engine, (this.byEngine.get(engine) ?? 0) + 1)
    this.#refusals.delete(engine)
    const copy = moved.etag === object.etag ? undefined : moved.etag
    this.#settle(object, 'copied', history, { engine, proof: moved.proof, ...(copy === undefined ? {} : { copy }) })
  }

  #vanished(object: TransferObject, history: readonly string[]): void {
    this.counts.objectsVanished++
    this.#settle(object, 'vanished', history, {})
  }

  #failed(object: TransferObject, history: readonly string[], error: LakehouseError): void {
    this.counts.objectsFailed++
    this.#remember(error)
    this.#settle(object, 'failed', history, { error: `${error.code}: ${error.message}` })
  }

  #settle(object: TransferObject, state: 'copied' | 'vanished' | 'failed', history: readonly string[], more: Partial<JournalEntry>): void {
    const { key, size, etag } = object
    this.#deps.journal.add({ key, state, size, etag, ...more, ...(history.length === 0 ? {} : { history }) })
    this.#deps.onObject?.({ key, state, size, error: more.error })
    this.#deps.onProgress(this.counts)
  }
}

async function onlyOne(outcomes: AsyncIterable<{ moved: Moved } | { error: LakehouseError }> | undefined): Promise<Moved> {
  for await (const outcome of outcomes ?? []) {
    if ('moved' in outcome) return outcome.moved
    throw outcome.error
  }
  throw new LakehouseError('S5CMD_FAILED', 's5cmd did not report the object')
}

/** Hands out the objects of batches one by one, without one promise per object. */
class Feed {
  isEnded = false
  readonly #batches: AsyncIterator<DiffBatch>
  readonly #onBatch: (batch: DiffBatch) => void
  #objects: readonly TransferObject[] = []
  #at = 0
  #loading: Promise<void> | undefined

  constructor(batches: AsyncIterable<DiffBatch>, onBatch: (batch: DiffBatch) => void) {
    this.#batches = batches[Symbol.asyncIterator]()
    this.#onBatch = onBatch
  }

  take(): TransferObject | undefined {
    return this.#objects[this.#at] === undefined ? undefined : this.#objects[this.#at++]
  }

  /** Resolves when there are more objects, or when the plan has ended. */
  load(): Promise<void> {
    if (this.isEnded || this.#at < this.#objects.length) return Promise.resolve()
    this.#loading ??= this.#read()
    return this.#loading
  }

  async #read(): Promise<void> {
    try {
      while (!this.isEnded && this.#at >= this.#objects.length) {
        const next = await this.#batches.next()
        if (next.done === true) {
          this.isEnded = true
          return
        }
        this.#onBatch(next.value)
        this.#objects = next.value.transfer
        this.#at = 0
      }
    } finally {
      this.#loading = undefined
    }
  }
}
