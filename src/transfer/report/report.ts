import type { EngineId } from '../engines/engine.ts'
import type { Pair } from '../pair.ts'
import type { Estimate } from '../run/estimate.ts'
import type { RunCounts } from '../run/run.ts'
import { PRICES, regionPrices, requestCost } from './prices.ts'

/** The cost of a run, and the modelled cost of the traditional way for the same objects. In bytes, milliseconds and US dollars. */
export type Efficiency = {
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
  readonly bytesPerSecond: number
  readonly objectsPerSecond: number
  readonly requests: Readonly<Record<string, number>>
  readonly retries: number
  readonly bytesThroughThisMachine: number
  readonly bytesOnDisk: number
  readonly costUsd: number
  /** A model: each object is downloaded once, written to disk, read from disk and uploaded. */
  readonly traditional: {
    readonly operations: number
    readonly bytesThroughThisMachine: number
    readonly bytesOnDisk: number
    readonly costUsd: number
    readonly model: string
  }
  readonly operationsReduced: number
  /** The estimate for the same objects, at the pace of earlier runs. */
  readonly estimated: Estimate
  /** Shares between 0 and 1. */
  readonly networkReduction: number
  readonly successRate: number
  readonly pricesAsOf: string
}

export type Spent = { readonly wallMs: number; readonly cpuMs: number; readonly peakRssBytes: number }

/** Compares a run with the model of the traditional way. Skipped objects count as done, not as failed. */
export function efficiency(
  pair: Pair,
  counts: RunCounts,
  byEngine: ReadonlyMap<EngineId, number>,
  spent: Spent,
): Omit<Efficiency, 'estimated'> {
  const requests = mergeRequests(pair)
  const copied = counts.objectsCopied
  const total = copied + counts.objectsSkipped + counts.objectsFailed
  const region = pair.destination.s3?.address.region ?? 'us-east-1'
  const usual = new Map([
    ['GetObject', copied],
    ['PutObject', copied],
    ['ListObjects', requests.get('ListObjects') ?? 0],
  ])
  const moved = 2 * counts.bytesCopied
  const throughHere = 2 * counts.bytesThrough
  const gigabytes = counts.bytesCopied / 1e9
  const traditionalObjects = byEngine.get('traditional') ?? 0
  return {
    ...spent,
    bytesPerSecond: rate(counts.bytesCopied, spent.wallMs),
    objectsPerSecond: rate(copied, spent.wallMs),
    requests: Object.fromEntries([...requests].sort()),
    retries: (pair.source.s3?.retries ?? 0) + (pair.destination.s3?.retries ?? 0),
    bytesThroughThisMachine: throughHere,
    bytesOnDisk: counts.bytesOnDisk,
    costUsd: requestCost(region, requests),
    traditional: {
      operations: 4 * copied,
      bytesThroughThisMachine: moved,
      bytesOnDisk: counts.bytesCopied,
      costUsd: requestCost(region, usual) + gigabytes * regionPrices(pair.source.s3?.address.region ?? region).internetPerGb,
      model: 'per object: GET, write to disk, read from disk, PUT; bytes leave the source region over the internet',
    },
    // The traditional way needs four operations per object. Another engine saves at least two of them, those on the disk.
    operationsReduced: 2 * (copied - traditionalObjects),
    networkReduction: moved === 0 ? 0 : 1 - throughHere / moved,
    successRate: total === 0 ? 1 : (copied + counts.objectsSkipped) / total,
    pricesAsOf: PRICES.asOf,
  }
}

function rate(amount: number, ms: number): number {
  return ms === 0 ? 0 : Math.round((amount / ms) * 1000)
}

function mergeRequests({ source, destination }: Pair): Map<string, number> {
  const merged = new Map(source.s3?.requests ?? [])
  for (const [operation, count] of destination.s3?.requests ?? []) merged.set(operation, (merged.get(operation) ?? 0) + count)
  return merged
}
