import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import type { ObjectStore } from '../storage/object-store.ts'
import { hostTag, processIsAlive } from '../storage/temporary.ts'
import { RUNS_PREFIX } from './layout.ts'

const registration = z.object({ host: z.string(), pid: z.number(), startedAt: z.string() })

/** A run registered in the lake: others see that a writer is at work. */
export type Run = {
  readonly id: string
  readonly startedMs: number
  /** Ends the registration. A run that may leave orphans stays registered as dead, so that the next run sweeps. */
  end(options: { mayLeaveOrphans: boolean }): Promise<void>
}

/** No process has this number. */
const NO_PROCESS = 2 ** 30

/** Runs of other hosts are taken for alive so long. */
const FOREIGN_RUN_MS = 24 * 3_600_000

/** Registers a run; ids sort by time: 20240101T000000000-1a2b3c4d. */
export async function beginRun(store: ObjectStore, nowMs: number): Promise<Run> {
  const startedAt = new Date(nowMs).toISOString()
  const id = `${startedAt.replaceAll(/[-:.Z]/g, '')}-${randomBytes(4).toString('hex')}`
  const key = `${RUNS_PREFIX}${id}.json`
  const register = (pid: number, ifAbsent: boolean) =>
    store.put(key, Buffer.from(JSON.stringify({ host: hostTag(), pid, startedAt })), { ifAbsent })
  await register(process.pid, true)
  const end = async ({ mayLeaveOrphans }: { mayLeaveOrphans: boolean }) => {
    if (mayLeaveOrphans) await register(NO_PROCESS, false)
    else await store.delete(key)
  }
  return { id, startedMs: nowMs, end }
}

/** Other runs: how many may still be at work, and the registrations that killed ones left behind. */
export type OtherRuns = { readonly alive: number; readonly dead: readonly string[] }

export async function otherRuns(store: ObjectStore, own: Run, nowMs: number): Promise<OtherRuns> {
  let alive = 0
  const dead: string[] = []
  for await (const { key, lastModifiedMs } of store.list(RUNS_PREFIX)) {
    if (key === `${RUNS_PREFIX}${own.id}.json`) continue
    const parsed = await readRegistration(store, key)
    const local = parsed?.host === hostTag()
    if (parsed !== undefined && (local ? processIsAlive(parsed.pid) : nowMs - lastModifiedMs < FOREIGN_RUN_MS)) alive++
    else dead.push(key)
  }
  return { alive, dead }
}

async function readRegistration(store: ObjectStore, key: string): Promise<z.infer<typeof registration> | undefined> {
  try {
    const parsed = registration.safeParse(JSON.parse(Buffer.from(await store.get(key)).toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined // ended in the meantime
  }
}
