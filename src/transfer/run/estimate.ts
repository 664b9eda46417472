import * as z from 'zod'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { EngineId } from '../engines/engine.ts'
import type { Pair } from '../pair.ts'
import { regionPrices, requestCost } from '../report/prices.ts'

/** The objects and bytes to copy by engine; null stands for objects that no engine can copy. */
export type Load = ReadonlyMap<EngineId | null, { readonly objects: number; readonly bytes: number }>

export function addLoad(
  load: Map<EngineId | null, { objects: number; bytes: number }>,
  engine: EngineId | null,
  objects: number,
  bytes: number,
): void {
  const group = load.get(engine) ?? { objects: 0, bytes: 0 }
  load.set(engine, { objects: group.objects + objects, bytes: group.bytes + bytes })
}

/** The estimated cost of a transfer: requests by operation, US dollars (for requests and for bytes that leave the region of the source), and milliseconds. */
export type Estimate = { readonly requests: Readonly<Record<string, number>>; readonly costUsd: number; readonly wallMs: number }

/** The speed of a transfer. */
export type Pace = { readonly objectsPerSecond: number; readonly bytesPerSecond: number }

/** The assumed pace before any run between two addresses was measured. */
const FIRST_PACE: Pace = { objectsPerSecond: 1500, bytesPerSecond: 200e6 }

/** The least objects and bytes that a run must copy to show a pace. */
const TELLING = { objects: 500, bytes: 100e6 } as const

const report = z.object({
  counts: z.object({ objectsCopied: z.number(), bytesThrough: z.number() }),
  efficiency: z.object({ objectsPerSecond: z.number(), bytesPerSecond: z.number() }),
})

/** The pace of the latest runs between two addresses that were large enough to show one. `state` is the state folder of the pair. */
export async function lastPace(state: ObjectStore): Promise<Pace> {
  const keys: string[] = []
  for await (const { key } of state.list('runs/')) if (key.endsWith('.json')) keys.push(key)
  const pace: { -readonly [name in keyof Pace]?: number } = {}
  for (const key of keys.reverse().slice(0, 10)) {
    const found = report.safeParse(JSON.parse(Buffer.from(await state.get(key)).toString('utf8')))
    if (!found.success) continue
    const { counts, efficiency } = found.data
    if (counts.objectsCopied >= TELLING.objects) pace.objectsPerSecond ??= efficiency.objectsPerSecond
    if (counts.bytesThrough >= TELLING.bytes) pace.bytesPerSecond ??= efficiency.bytesPerSecond
  }
  return { ...FIRST_PACE, ...pace }
}

/** Estimates the transfer of a load. `listed` is the number of objects in both listings. */
export function estimate(pair: Pair, load: Load, listed: number, pace: Pace): Estimate {
  const requests = new Map<string, number>([['ListObjects', Math.ceil(listed / 1000) * 2]])
  const add = (operation: string, count: number) => requests.set(operation, (requests.get(operation) ?? 0) + count)
  let relayed = 0
  let objects = 0
  for (const [engine, group] of load) {
    if (engine === null) continue
    objects += group.objects
    if (engine === 'server-copy' || engine === 's5cmd') add('CopyObject', group.objects)
    else {
      add('GetObject', group.objects)
      add('PutObject', group.objects)
      relayed += group.bytes
    }
  }
  const region = pair.destination.s3?.address.region ?? 'us-east-1'
  const transfer = (relayed / 1e9) * regionPrices(pair.source.s3?.address.region ?? region).internetPerGb
  const seconds = Math.max(objects / pace.objectsPerSecond, relayed / pace.bytesPerSecond)
  return { requests: Object.fromEntries(requests), costUsd: requestCost(region, requests) + transfer, wallMs: Math.round(seconds * 1000) }
}
