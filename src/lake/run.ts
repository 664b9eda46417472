import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import type { ObjectStore } from '../storage/object-store.ts'
import { hostTag, processIsAlive } from '../storage/temporary.ts'
import { RUNS_PREFIX } from './layout.ts'

const registration = z.object({ host: z.string(), pid: z.number(), startedAt: z.string(), sweeping: z.boolean() })

/** A run registered in the lake: others see that a writer is at work. */
export type Run = {
  readonly id: string
  /** Says that the run removes what looks orphaned: runs that begin wait until it has ended. */
  setSweeping(sweeping: boolean): Promise<void>
  /** Ends the registration. A run that may leave orphans stays registered as dead, so that the next run sweeps. */
  end(options: { mayLeaveOrphans: boolean }): Promise<void>
}

/** No process has this number. */
const NO_PROCESS = 2 ** 30

/** Runs of other hosts are taken for alive so long. */
const FOREIGN_RUN_MS = 24 * 3_600_000

const WAIT_MS = 50

/** Registers a run, and waits while another one sweeps; ids sort by time: 20240101T000000000-1a2b3c4d. */
export async function beginRun(store: ObjectStore, nowMs: () => number): Promise<Run> {
  const startedAt = new Date(nowMs()).toISOString()
  const id = `${startedAt.replaceAll(/[-:.Z]/g, '')}-${randomBytes(4).toString('hex')}`
  const key = `${RUNS_PREFIX}${id}.json`
  const register = async (pid: number, sweeping: boolean) => {
    await store.put(key, Buffer.from(JSON.stringify({ host: hostTag(), pid, startedAt, sweeping })))
  }
  await register(process.pid, false)
  const run: Run = {
    id,
    setSweeping: (sweeping) => register(process.pid, sweeping),
    end: async ({ mayLeaveOrphans }) => await (mayLeaveOrphans ? register(NO_PROCESS, false) : store.delete(key)),
  }
  while ((await otherRuns(store, run, nowMs())).sweeping > 0) await delay(WAIT_MS)
  return run
}

/** Other runs: how many may still be at work, how many of them sweep, and the registrations that killed ones left behind. */
export type OtherRuns = { readonly alive: number; readonly sweeping: number; readonly dead: readonly string[] }

export async function otherRuns(store: ObjectStore, own: Run, nowMs: number): Promise<OtherRuns> {
  let alive = 0
  let sweeping = 0
  const dead: string[] = []
  for await (const { key, lastModifiedMs } of store.list(RUNS_PREFIX)) {
    if (key === `${RUNS_PREFIX}${own.id}.json`) continue
    const parsed = await readRegistration(store, key)
    const local = parsed?.host === hostTag()
    if (parsed !== undefined && (local ? processIsAlive(parsed.pid) : nowMs - lastModifiedMs < FOREIGN_RUN_MS)) {
      alive++
      if (parsed.sweeping) sweeping++
    } else dead.push(key)
  }
  return { alive, sweeping, dead }
}

async function readRegistration(store: ObjectStore, key: string): Promise<z.infer<typeof registration> | undefined> {
  try {
    const parsed = registration.safeParse(JSON.parse(Buffer.from(await store.get(key)).toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined // ended in the meantime
  }
}
