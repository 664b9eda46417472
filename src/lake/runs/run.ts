import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { isRunning, thisWriter, type Writer } from '../../storage/temporary.ts'
import { RUNS_PREFIX } from '../layout.ts'

const registration = z.object({
  writer: z.object({ place: z.string(), pid: z.number(), start: z.string() }),
  startedAt: z.string(),
  state: z.enum(['working', 'sweeping', 'ended']),
  /** Its clients write files long before they commit them, and continue after the run has ended. */
  serves: z.boolean().default(false),
})

/** A run that is registered in the lake, so that other runs see an active writer. */
export type Run = {
  readonly id: string
  /** Renews the registration. Returns the time of the store, ms. */
  beat(): Promise<number>
  /** Announces that the run removes orphaned files. New runs wait until it has ended. */
  setSweeping(sweeping: boolean): Promise<void>
  /** Ends the registration. A run that may leave orphaned files stays registered as ended, so that the next run sweeps. */
  end(options: { mayLeaveOrphans: boolean }): Promise<void>
}

/** A run renews its registration this often … */
const BEAT_MS = 15_000

/** … and counts as dead after this time without a renewal, if its process cannot be checked. */
const SILENCE_MS = 120_000

const WAIT_MS = 50

/** A run waits this long for another one that sweeps. */
const PATIENCE_MS = 300_000

/** A wait longer than this is reported. */
const NOTICE_MS = 2000

export type RunDeps = { readonly nowMs: () => number; readonly signal: AbortSignal; readonly onNotice: (text: string) => void }

/** Registers a run, and waits while another run sweeps. Ids sort by time: 20240101T000000000-1a2b3c4d. Throws LAKE_BUSY. */
export async function beginRun(store: ObjectStore, deps: RunDeps, { serves = false, patienceMs = PATIENCE_MS } = {}): Promise<Run> {
  const startedAt = new Date(deps.nowMs()).toISOString()
  const id = `${startedAt.replaceAll(/[-:.Z]/g, '')}-${randomBytes(4).toString('hex')}`
  const key = `${RUNS_PREFIX}${id}.json`
  let state: z.infer<typeof registration>['state'] = 'working'
  let writing = Promise.resolve(0)
  // Beats run one after the other, so that a late beat cannot restore what `end` has removed.
  const register = () => {
    const write = async () =>
      (await store.put(key, Buffer.from(JSON.stringify({ writer: thisWriter(), startedAt, state, serves })))).lastModifiedMs
    writing = writing.then(write, write)
    return writing
  }
  await register()
  // A failed beat is ignored: the next one may succeed. If the lake cannot be written, the run fails elsewhere.
  const heart = setInterval(() => void register().catch(() => {}), BEAT_MS).unref()
  const run: Run = {
    id,
    beat: register,
    setSweeping: async (sweeping) => {
      state = sweeping ? 'sweeping' : 'working'
      await register()
    },
    end: async ({ mayLeaveOrphans }) => {
      clearInterval(heart)
      state = 'ended'
      if (mayLeaveOrphans) return void (await register())
      await writing.catch(() => {})
      await store.delete(key)
    },
  }
  try {
    await waitForSweeps(store, run, patienceMs, deps)
  } catch (error) {
    await run.end({ mayLeaveOrphans: false })
    throw asLakehouseError(error)
  }
  return run
}

/** Throws LAKE_BUSY when another run does not finish: its process may be stopped. */
async function waitForSweeps(store: ObjectStore, run: Run, patienceMs: number, { signal, onNotice }: RunDeps): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += WAIT_MS) {
    const [sweeper] = (await otherRuns(store, run)).sweepers
    if (sweeper === undefined) return
    const what = `the run ${sweeper}, which is removing the leftovers of killed runs`
    if (waitedMs >= patienceMs)
      throw new LakehouseError(
        'LAKE_BUSY',
        `waited ${Math.round(waitedMs / 1000)} s for ${what}: if its process is stopped, continue or end it, then run again`,
        { details: { run: sweeper } },
      )
    if (waitedMs === NOTICE_MS) onNotice(`waiting for ${what}`)
    await delay(WAIT_MS, undefined, { signal })
  }
}

/** Other runs: how many may still be active, which of them sweep, where they are, and the registrations of killed runs. */
export type OtherRuns = {
  readonly alive: number
  /** Ids with process numbers. */
  readonly sweepers: readonly string[]
  readonly places: ReadonlySet<string>
  readonly dead: readonly string[]
  /** How many of the dead runs were killed. */
  readonly killed: number
  /** Whether one of the dead runs served clients. */
  readonly hasServed: boolean
  /** The time of the store, ms. Its clock, not ours, stamped the beats of the other runs. */
  readonly nowMs: number
}

export async function otherRuns(store: ObjectStore, own: Run): Promise<OtherRuns> {
  const nowMs = await own.beat()
  const places = new Set<string>()
  let alive = 0
  const sweepers: string[] = []
  const dead: string[] = []
  let killed = 0
  let hasServed = false
  for await (const { key, lastModifiedMs } of store.list(RUNS_PREFIX)) {
    if (key === `${RUNS_PREFIX}${own.id}.json`) continue
    const parsed = await readRegistration(store, key)
    if (parsed !== undefined && parsed.state !== 'ended' && (isRunning(parsed.writer) ?? nowMs - lastModifiedMs < SILENCE_MS)) {
      alive++
      places.add(parsed.writer.place)
      const id = key.slice(RUNS_PREFIX.length, -'.json'.length)
      if (parsed.state === 'sweeping') sweepers.push(`${id} (process ${parsed.writer.pid})`)
    } else {
      dead.push(key)
      if (parsed?.state !== 'ended') killed++
      hasServed ||= parsed?.serves === true
    }
  }
  return { alive, sweepers, places, dead, killed, hasServed, nowMs }
}

/** Whether the writer of a temporary file, last written at `modifiedMs`, may still be active. */
export function mayBeAtWork(writer: Writer | undefined, modifiedMs: number, { places, nowMs }: OtherRuns): boolean {
  const running = writer === undefined ? undefined : isRunning(writer)
  return running ?? (nowMs - modifiedMs < SILENCE_MS || (writer !== undefined && places.has(writer.place)))
}

/** The number of runs that were killed or that left files, as far as this machine can tell. */
export async function countDeadRuns(store: ObjectStore): Promise<number> {
  let dead = 0
  for await (const { key } of store.list(RUNS_PREFIX)) {
    const parsed = await readRegistration(store, key)
    if (parsed !== undefined && (parsed.state === 'ended' || isRunning(parsed.writer) === false)) dead++
  }
  return dead
}

async function readRegistration(store: ObjectStore, key: string): Promise<z.infer<typeof registration> | undefined> {
  try {
    const parsed = registration.safeParse(JSON.parse(Buffer.from(await store.get(key)).toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined // ended in the meantime
  }
}
