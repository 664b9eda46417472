import type { Config } from '../config/schema.ts'
import { asLakehouseError, type LakehouseError } from '../core/errors.ts'
import { type Host, hostOf } from '../platform/host.ts'
import { PUBLIC_BUCKETS } from '../sources/objects.ts'
import { DEFAULT_SOURCE, findSource } from '../sources/registry.ts'
import { closePair, openPair, type PairRequest } from '../transfer/open-pair.ts'
import { type Capability, probeStore } from '../transfer/probe-store.ts'
import { type Comparison, emptyPlace, placeBelow, sampleKeys } from '../transfer/report/compare-ways.ts'
import { Journal } from '../transfer/run/journal.ts'
import type { OperationMode } from '../transfer/run/route.ts'
import { explainSync, type SyncDeps, type SyncRequest, type SyncResult, stateFolder, syncPlaces } from '../transfer/sync.ts'
import { type VerifyCounts, type VerifyOptions, verifyPlaces } from '../transfer/verify.ts'

/** The addresses of a transfer, the exchange whose key grammar applies, and the receivers of its reports. */
export type TransferOptions = Omit<PairRequest, 'stores' | 'aliases' | 'checksumKey'> & { readonly exchange?: string } & Pick<
    SyncDeps,
    'drain' | 'onProgress' | 'onNotice' | 'onObject'
  >

/** Copies objects between stores, set up from one configuration. A lake is not necessary. */
export class Transfers {
  readonly config: Config
  readonly #host: Host

  constructor(config: Config, host: Partial<Host> = {}) {
    this.config = config
    this.#host = hostOf(host)
  }

  /** Copies the objects of the source to the destination. Throws errors of the transfer as a whole; errors of single objects are in the result. */
  async sync(request: SyncRequest, options: TransferOptions): Promise<SyncResult> {
    return await this.#withPair(options, (deps) => syncPlaces(deps, request))
  }

  /** What `sync` would do. Each object is reported as it is found. */
  async explain(
    request: SyncRequest,
    options: TransferOptions,
    onObject: Parameters<typeof explainSync>[2],
  ): ReturnType<typeof explainSync> {
    return await this.#withPair(options, (deps) => explainSync(deps, request, onObject))
  }

  /** Compares a destination with its source. */
  async verify(request: Omit<VerifyOptions, 'known' | 'signal' | 'concurrency'>, options: TransferOptions): Promise<VerifyCounts> {
    return await this.#withPair(options, async ({ pair, stateDirectory }) => {
      const journal = await Journal.open(stateFolder(stateDirectory, pair), 'verify')
      const { concurrency, signal } = pair
      return await verifyPlaces(pair.source, pair.destination, { ...request, known: journal.known, concurrency, signal })
    })
  }

  /** Copies a sample both ways to temporary prefixes, and reports the time and cost of each way. */
  async compare(request: SyncRequest, options: TransferOptions, objects: number): Promise<Comparison> {
    const { keys, bytes } = await this.#withPair(options, ({ pair }) => sampleKeys(pair.source, { ...request, objects }))
    const run = async (mode: OperationMode) => {
      const places = { ...options, destination: placeBelow(options.destination, mode) }
      const result = await this.sync({ ...request, mode, keys, syncMode: 'copy', planIn: undefined, planOut: undefined }, places)
      await this.#withPair(places, ({ pair }) => emptyPlace(pair.destination))
      return result.efficiency
    }
    const [chosen, traditional] = [await run(request.mode), await run('traditional')]
    const ratio = (one: number, other: number) => Math.round((one / Math.max(other, 1)) * 1000) / 1000
    return {
      objects: keys.length,
      bytes,
      chosen,
      traditional,
      wallRatio: ratio(chosen.wallMs, traditional.wallMs),
      cpuRatio: ratio(chosen.cpuMs, traditional.cpuMs),
    }
  }

  /** The capabilities of a store, found by trying them. */
  async probe(address: string): Promise<Capability[]> {
    return await this.#withPair({ source: address, destination: address, ...quietly(() => {}) }, ({ pair }) => probeStore(pair.destination))
  }

  async #withPair<T>(options: TransferOptions, use: (deps: SyncDeps) => Promise<T>): Promise<T> {
    const { nowMs, random, signal, environment } = this.#host
    const { sync, stores } = this.config
    const onRetry = (error: LakehouseError, pauseMs: number) =>
      options.onNotice(`${error.code}: ${error.message}; trying again in ${Math.round(pauseMs)} ms`)
    const { archive } = findSource(options.exchange ?? DEFAULT_SOURCE.id)
    const checksumKey = (key: string) => (archive.checksumOf(key) === undefined ? archive.checksumKey(key) : undefined)
    const pair = await openPair(
      sync,
      { ...options, stores, aliases: PUBLIC_BUCKETS, checksumKey },
      { signal, nowMs, random, environment, onRetry },
    )
    try {
      return await use({ ...options, pair, stateDirectory: sync.state, nowMs })
    } catch (error) {
      throw signal.aborted ? asLakehouseError(signal.reason, 'INTERRUPTED') : asLakehouseError(error)
    } finally {
      closePair(pair)
    }
  }
}

/** Options of a transfer without limits and progress reports. */
export function quietly(onNotice: (text: string) => void): Omit<TransferOptions, 'source' | 'destination'> {
  return {
    bytesPerSecond: undefined,
    requestsPerSecond: undefined,
    drain: new AbortController().signal,
    onProgress: () => {},
    onNotice,
  }
}
