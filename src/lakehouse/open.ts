import { resolve } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { ArchiveAccess } from '../flows/contract.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import type { LakeOptions } from '../lake/lake.ts'
import type { Layer } from '../lake/layout.ts'
import type { Host } from '../platform/host.ts'
import { ResourceAllocator } from '../platform/resources.ts'
import { RetryBudget, retry } from '../platform/retry.ts'
import type { QueryLimits, ResultBounds } from '../query/run-query.ts'
import { PUBLIC_BUCKETS } from '../sources/objects.ts'
import { EXCHANGE_IDS, findSource } from '../sources/registry.ts'
import { openPlace } from '../storage/open-store.ts'
import type { Place } from '../storage/place.ts'

// The dependencies of the parts of a lakehouse, made from its configuration and host.

/** Receives messages that may interest the user but need no action. */
export type OnNotice = (text: string) => void

/** `workload` is a kind of work that may use fewer threads than the configuration allows. */
export function lakeOptions(config: Config, host: Host, onNotice: OnNotice, workload?: string): LakeOptions {
  const { workers, memoryLimitMb } = config.engine
  const threads = workload === undefined ? workers : Math.min(workers, new ResourceAllocator().allocateHere(workload, 0).cpus)
  return {
    address: config.lake,
    stores: storeDeps(config, onNotice),
    engine: { threads, memoryLimitMb },
    glue: config.glue,
    host,
    onNotice,
  }
}

function storeDeps({ archive, cache, stores }: Config, onNotice: OnNotice): LakeOptions['stores'] {
  return {
    connections: archive.concurrency,
    idleTimeoutMs: archive.idleTimeoutMs,
    attempts: archive.attempts,
    retryDelayMs: archive.retryDelayMs,
    onRetry: tellRetry(onNotice),
    cache: { directory: cache.directory, limitBytes: cache.limitMb * 2 ** 20 },
    names: stores,
    aliases: PUBLIC_BUCKETS,
  }
}

function tellRetry(onNotice: OnNotice): (error: { code: string; message: string }, pauseMs: number) => void {
  return ({ code, message }, pauseMs) => onNotice(`${code}: ${message}; trying again in ${Math.round(pauseMs)} ms`)
}

/** Opens the archive of an exchange at the configured address. The caller closes its origin. */
export async function openArchive({ archive }: Config, host: Host, exchange: string, onNotice: OnNotice): Promise<ArchiveAccess> {
  const source = findSource(exchange)
  const budget = new RetryBudget({ capacity: 100, earnedPerCall: 0.5 })
  const policy = { attempts: archive.attempts, baseDelayMs: archive.retryDelayMs, maxDelayMs: 20_000 }
  const { random, signal } = host
  const attempt = <T>(call: () => Promise<T>): Promise<T> => retry(policy, { random, budget, signal, onRetry: tellRetry(onNotice) }, call)
  // If the configuration names a public site, the public site of the requested exchange is used.
  const address = EXCHANGE_IDS.includes(archive.origin) ? exchange : archive.origin
  const { openOrigin } = await import('../sources/origin/open-origin.ts')
  const origin = await openOrigin(source, address, {
    ...host,
    idleTimeoutMs: archive.idleTimeoutMs,
    connections: archive.concurrency,
    attempts: archive.attempts,
    retryDelayMs: archive.retryDelayMs,
    attempt,
  })
  return { archive: { source, origin }, attempt }
}

/** Runs `use` with the archive of an exchange. */
export async function withArchive<T>(
  config: Config,
  host: Host,
  exchange: string,
  onNotice: OnNotice,
  use: (access: ArchiveAccess) => Promise<T>,
): Promise<T> {
  const access = await openArchive(config, host, exchange, onNotice)
  try {
    return await use(access)
  } finally {
    await access.archive.origin.close()
  }
}

/** The store at an address. The caller closes it. */
export async function openAddress(config: Config, host: Host, address: string): Promise<Place> {
  return await openPlace(address, { ...storeDeps(config, () => {}), ...host })
}

/** Runs `use` with the store at an address. */
export async function withPlace<T>(config: Config, host: Host, address: string, use: (place: Place) => Promise<T>): Promise<T> {
  const place = await openAddress(config, host, address)
  try {
    return await use(place)
  } finally {
    place.close()
  }
}

/** What a query may choose: the time that it reads, the layer of tables without one, and its bounds instead of the configured ones. */
export type QueryChoice = { readonly asOf?: AsOf | undefined; readonly layer?: Layer | undefined; readonly bounds?: Partial<ResultBounds> }

export function queryLimits({ engine, query, tiers }: Config, { signal }: Host, { asOf, layer, bounds }: QueryChoice): QueryLimits {
  const folders = [tiers.coolDirectory, tiers.archiveDirectory].filter((folder) => folder !== '')
  const linked = folders.map((folder) => resolve(folder))
  const { maxRows, spillMb } = { ...query, ...bounds }
  return { asOf, layer, maxRows, spillMb, threads: engine.workers, memoryLimitMb: Math.max(engine.memoryLimitMb, 512), signal, linked }
}
