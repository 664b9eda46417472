import { join } from 'node:path'
import type { LakehouseError } from '../core/errors.ts'
import { RateLimiter } from '../platform/rate-limit.ts'
import { Semaphore } from '../platform/semaphore.ts'
import { openPlace } from '../storage/open-store.ts'
import type { Place } from '../storage/place.ts'
import { COPY_LIMIT } from './engines/upload.ts'
import type { SyncOptions } from './options.ts'
import type { Pair } from './pair.ts'

export type PairDeps = {
  readonly signal: AbortSignal
  readonly nowMs: () => number
  readonly random: () => number
  readonly environment: NodeJS.ProcessEnv
  readonly onRetry: (error: LakehouseError, pauseMs: number) => void
}

export type PairRequest = {
  readonly source: string
  readonly destination: string
  /** Names of stores, for addresses of the form NAME:prefix. */
  readonly stores: Readonly<Record<string, string>>
  /** Words that stand for a whole address. */
  readonly aliases: Readonly<Record<string, string>>
  readonly checksumKey: Pair['checksumKey']
  readonly bytesPerSecond: number | undefined
  readonly requestsPerSecond: number | undefined
}

const MIB = 1 << 20

/** Opens both sides of a transfer. Throws CONFIG_INVALID. */
export async function openPair(options: SyncOptions, request: PairRequest, deps: PairDeps): Promise<Pair> {
  const limiter = (perSecond: number | undefined) => (perSecond === undefined ? undefined : new RateLimiter(perSecond, deps))
  const set = (text: string) => (text === '' ? undefined : text)
  const open = (address: string): Promise<Place> =>
    openPlace(address, {
      ...deps,
      names: request.stores,
      aliases: request.aliases,
      connections: options.concurrency + 4 * options.listParallel,
      idleTimeoutMs: options.idleTimeoutMs,
      attempts: options.attempts,
      retryDelayMs: options.retryDelayMs,
    })
  const source = await open(request.source)
  const destination = await open(request.destination).catch((error: unknown) => {
    source.close()
    throw error
  })
  return {
    source,
    destination,
    write: { storageClass: set(options.storageClass), encryption: set(options.encryption), kmsKeyId: set(options.kmsKeyId) },
    verify: options.verify,
    checksumKey: request.checksumKey,
    partBytes: options.partSizeMb === 0 ? undefined : options.partSizeMb * MIB,
    multipartThresholdBytes: options.multipartThresholdMb * MIB,
    scratch: options.downloads === '' ? join(options.state, 'downloads') : options.downloads,
    diskLimitBytes: options.diskLimitMb * MIB,
    disk: new Semaphore(options.diskLimitMb * MIB),
    s5cmdPath: options.s5cmdPath,
    concurrency: options.concurrency,
    batching: options.batching,
    batchSize: options.batchSize,
    idleTimeoutMs: options.idleTimeoutMs,
    bytesPerSecond: limiter(request.bytesPerSecond),
    requestsPerSecond: limiter(request.requestsPerSecond),
    signal: deps.signal,
    nowMs: deps.nowMs,
    environment: deps.environment,
    learnt: { conditionalCopy: true, copyBytes: COPY_LIMIT, partBytes: COPY_LIMIT, otherBytes: 0 },
  }
}

export function closePair({ source, destination }: Pair): void {
  source.close()
  destination.close()
}
