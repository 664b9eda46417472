import type { DiffBatch, TransferObject } from './diff.ts'
import type { EngineId } from './engines/engine.ts'
import { TRANSFER_ENGINES } from './engines/registry.ts'
import type { Pair } from './pair.ts'
import { regionPrices, requestCost } from './prices.ts'
import type { Route } from './route.ts'

/** What a run would do: how much, by which engines and why, what would go, and what it is expected to cost. */
export type Explanation = {
  readonly objects: number
  readonly bytes: number
  readonly unchanged: number
  readonly extra: number
  readonly byReason: Readonly<Record<string, number>>
  readonly groups: readonly { readonly engine: EngineId | null; readonly objects: number; readonly bytes: number; readonly why: string }[]
  readonly estimate: { readonly requests: Readonly<Record<string, number>>; readonly costUsd: number; readonly wallMs: number }
}

/** Objects a second and bytes a second that a run is expected to reach, before it has measured anything. */
const EXPECTED = { objectsPerSecond: 1500, relayBytesPerSecond: 200e6 } as const

/** Reads a plan to its end and tells which engine each object would get first. `onObject` sees each of them, in order. */
export async function explainPlan(
  plan: AsyncIterable<DiffBatch>,
  pair: Pair,
  route: Route,
  onObject: (object: { key: string; size: number; action: 'copy' | 'delete'; engine: EngineId | null }) => void,
): Promise<Explanation> {
  const totals = { objects: 0, bytes: 0, unchanged: 0, extra: 0 }
  const byReason: Record<string, number> = {}
  const groups = new Map<string, { engine: EngineId | null; objects: number; bytes: number; why: string }>()
  for await (const { transfer, unchanged, extra } of plan) {
    totals.unchanged += unchanged.length
    totals.extra += extra.length
    for (const object of transfer) {
      const { engine, why } = engineFor(object, pair, route)
      totals.objects++
      totals.bytes += object.size
      byReason[object.reason] = (byReason[object.reason] ?? 0) + 1
      const group = groups.get(`${engine}${why}`) ?? { engine, objects: 0, bytes: 0, why }
      group.objects++
      group.bytes += object.size
      groups.set(`${engine}${why}`, group)
      onObject({ key: object.key, size: object.size, action: 'copy', engine })
    }
    for (const { key, size } of extra) onObject({ key, size, action: 'delete', engine: null })
  }
  return { ...totals, byReason, groups: [...groups.values()], estimate: estimate(pair, totals, [...groups.values()]) }
}

function engineFor(object: TransferObject, pair: Pair, route: Route): { engine: EngineId | null; why: string } {
  const passed: string[] = route.unfit.map(({ engine, reason }) => `${engine} not: ${reason}`)
  for (const id of route.engines) {
    const reason = TRANSFER_ENGINES[id].refuses(object, pair)
    if (reason === undefined) return { engine: id, why: passed.join('; ') || 'the first choice' }
    passed.push(`${id} not: ${reason}`)
  }
  return { engine: null, why: passed.join('; ') }
}

function estimate(
  pair: Pair,
  totals: { objects: number; unchanged: number; extra: number },
  groups: Explanation['groups'],
): Explanation['estimate'] {
  const requests = new Map<string, number>([['ListObjects', Math.ceil((totals.objects + totals.unchanged + totals.extra) / 1000) * 2]])
  const add = (operation: string, count: number) => requests.set(operation, (requests.get(operation) ?? 0) + count)
  let relayed = 0
  for (const { engine, objects, bytes } of groups) {
    if (engine === 'server-copy' || engine === 's5cmd') add('CopyObject', objects)
    else {
      add('GetObject', objects)
      add('PutObject', objects)
      relayed += bytes
    }
  }
  const region = pair.destination.s3?.address.region ?? 'us-east-1'
  const transfer = (relayed / 1e9) * regionPrices(pair.source.s3?.address.region ?? region).internetPerGb
  const seconds = totals.objects / EXPECTED.objectsPerSecond + relayed / EXPECTED.relayBytesPerSecond
  return { requests: Object.fromEntries(requests), costUsd: requestCost(region, requests) + transfer, wallMs: Math.round(seconds * 1000) }
}
