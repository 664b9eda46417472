import { hash } from 'node:crypto'
import * as z from 'zod'
import type { LakehouseError } from '../../core/errors.ts'
import { privateStore } from '../../storage/local.ts'
import { ENGINE_IDS, type EngineId } from '../engines/engine.ts'
import type { Pair } from '../pair.ts'

/** A refused engine is not tried again for this long. */
const KEPT_MS = 24 * 3_600_000

const verdict = z.strictObject({ engine: z.enum(ENGINE_IDS), reason: z.string(), atMs: z.number() })

/** Engines that the store refused for this pair in an earlier run, with the reason. Verdicts expire; a verdict that cannot be read is ignored. */
export async function refusedEngines(stateDirectory: string, pair: Pair, nowMs: number): Promise<Map<EngineId, string>> {
  const found = new Map<EngineId, string>()
  const state = privateStore(stateDirectory)
  for await (const { key } of state.list(`verdicts/${nameOf(pair)}-`)) {
    const parsed = verdict.safeParse(JSON.parse(Buffer.from(await state.get(key)).toString('utf8')))
    if (!parsed.success) continue
    const { engine, reason, atMs } = parsed.data
    if (nowMs - atMs < KEPT_MS) found.set(engine, `refused ${Math.round((nowMs - atMs) / 60_000)} minutes ago: ${reason}`)
  }
  return found
}

/** Stores that the store refuses an engine for this pair. */
export async function rememberRefusal(
  stateDirectory: string,
  pair: Pair,
  engine: EngineId,
  error: LakehouseError,
  nowMs: number,
): Promise<void> {
  const body = Buffer.from(JSON.stringify({ engine, reason: `${error.code}: ${error.message}`, atMs: nowMs }))
  await privateStore(stateDirectory).put(`verdicts/${nameOf(pair)}-${engine}.json`, body)
}

/** Names a pair by buckets and services, because the permission to copy does not depend on the prefix. */
function nameOf({ source, destination }: Pair): string {
  const name = (place: Pair['source']) =>
    `${place.s3?.address.endpoint ?? ''} ${place.s3?.address.bucket ?? place.address} ${place.s3?.address.profile ?? ''}`
  return hash('sha256', `${name(source)}\n${name(destination)}`).slice(0, 16)
}
