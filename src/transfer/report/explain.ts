import type { EngineId } from '../engines/engine.ts'
import { TRANSFER_ENGINES } from '../engines/registry.ts'
import type { Pair } from '../pair.ts'
import type { DiffBatch, TransferObject } from '../plan/diff.ts'
import { addLoad, type Estimate, estimate, type Pace } from '../run/estimate.ts'
import type { Route } from '../run/route.ts'

/** What a run would do: the amounts, the engines with reasons, the extra objects, and the estimated cost. */
export type Explanation = {
  readonly objects: number
  readonly bytes: number
  readonly unchanged: number
  readonly extra: number
  readonly byReason: Readonly<Record<string, number>>
  readonly groups: readonly { readonly engine: EngineId | null; readonly objects: number; readonly bytes: number; readonly why: string }[]
  readonly estimate: Estimate
}

/** Reads a plan to its end and finds the first engine of each object. Calls `onObject` for each object in order. */
export async function explainPlan(
  plan: AsyncIterable<DiffBatch>,
  pair: Pair,
  route: Route,
  pace: Pace,
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
  const load = new Map<EngineId | null, { objects: number; bytes: number }>()
  for (const { engine, objects, bytes } of groups.values()) addLoad(load, engine, objects, bytes)
  const listed = totals.objects + totals.unchanged + totals.extra
  return { ...totals, byReason, groups: [...groups.values()], estimate: estimate(pair, load, listed, pace) }
}

function engineFor(object: TransferObject, pair: Pair, route: Route): { engine: EngineId | null; why: string } {
  const passed: string[] = route.unfit.map(({ engine, reason }) => `${engine} cannot: ${reason}`)
  for (const id of route.engines) {
    const reason = TRANSFER_ENGINES[id].refuses(object, pair)
    if (reason === undefined) return { engine: id, why: passed.join('; ') || 'the first choice' }
    passed.push(`${id} cannot: ${reason}`)
  }
  return { engine: null, why: passed.join('; ') }
}
