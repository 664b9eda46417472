import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { isRunning, thisWriter } from '../../storage/temporary.ts'

const holder = z.object({ writer: z.object({ place: z.string(), pid: z.number(), start: z.string() }), run: z.string() })

const KEY = 'lease.json'

/** A holder on another machine counts as dead when it has not renewed its lease for this long. */
const SILENCE_MS = 60_000
const RENEW_MS = 15_000

/**
 * Runs `work` while no other process works on the same transfer. The lease is a file that only one process can create.
 * Takes over the lease of a dead process. Throws TRANSFER_LOCKED.
 */
export async function withLease<T>(state: ObjectStore, run: string, nowMs: () => number, work: () => Promise<T>): Promise<T> {
  const body = Buffer.from(JSON.stringify({ writer: thisWriter(), run }))
  for (let tries = 0; !(await take(state, body)); tries++) {
    await giveUpDead(state, nowMs())
    if (tries >= 5)
      throw new LakehouseError(
        'TRANSFER_LOCKED',
        `another process works on this transfer and holds ${state.url}/${KEY}: wait until it ends, then run again`,
        {
          details: { lease: `${state.url}/${KEY}` },
        },
      )
    await delay(50)
  }
  const renewing = setInterval(() => void state.put(KEY, body).catch(() => {}), RENEW_MS).unref()
  try {
    return await work()
  } finally {
    clearInterval(renewing)
    await state.delete(KEY)
  }
}

async function take(state: ObjectStore, body: Uint8Array): Promise<boolean> {
  try {
    await state.put(KEY, body, { ifAbsent: true })
    return true
  } catch (error) {
    if (asLakehouseError(error).code === 'OBJECT_EXISTS') return false
    throw error
  }
}

/** Removes the lease of a holder that has died. */
async function giveUpDead(state: ObjectStore, nowMs: number): Promise<void> {
  const info = await state.head(KEY)
  if (info === undefined) return
  const text = await state.get(KEY).catch(() => undefined)
  if (text === undefined) return
  let writer: z.infer<typeof holder>['writer'] | undefined
  try {
    writer = holder.parse(JSON.parse(Buffer.from(text).toString('utf8'))).writer
  } catch {
    // The lease cannot be read, so only its age counts.
  }
  const silentMs = nowMs - info.lastModifiedMs
  const alive = (writer === undefined ? undefined : isRunning(writer)) ?? silentMs < SILENCE_MS
  if (!alive) await state.delete(KEY)
}
