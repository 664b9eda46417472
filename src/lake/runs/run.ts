import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { asLakehouseError } from '../../core/errors.ts'
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

/** A wait longer than this is reported. */
const NOTICE_MS = 2000

export type RunDeps = { readonly nowMs: () => number; readonly signal: AbortSignal; readonly onNotice: (text: string) => void }

/** Registers a run, and waits while another run sweeps. Ids sort by time: 20240101T000000000-1a2b3c4d. */
export async function beginRun(store: ObjectStore, deps: RunDeps, { serves = false } = {}): Promise<Run> {
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
    await waitForSweeps(store, run, deps)
  } catch (error) {
    await run.end({ mayLeaveOrphans: false })
    throw asLakehouseError(error)
  }
  return run
}

async function waitForSweeps(store: ObjectStore, run: Run, { signal, onNotice }: RunDeps): Promise<void> {
  for (let waitedMs = 0; (await otherRuns(store, run)).sweeping > 0; waitedMs += WAIT_MS) {
    if (waitedMs === NOTICE_MS) onNotice('waiting for another run, which is removing the leftovers of killed runs')
    await delay(WAIT_MS, undefined, { signal })
  }
}

/** Other runs: how many may still be active, how many of them sweep and where, and the registrations of killed runs. */
export type OtherRuns = {
  readonly alive: number
  readonly sweeping: number
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
  let sweeping = 0
  const dead: string[] = []
  let killed = 0
  let hasServed = false
  for await (const { key, lastModifiedMs } of store.list(RUNS_PREFIX)) {
    if (key === `${RUNS_PREFIX}${own.id}.json`) continue
    const parsed = await readRegistration(store, key)
    if (parsed !== undefined && parsed.state !== 'ended' && (isRunning(parsed.writer) ?? nowMs - lastModifiedMs < SILENCE_MS)) {
      alive++
      places.add(parsed.writer.place)
      if (parsed.state === 'sweeping') sweeping++
    } else {
      dead.push(key)
      if (parsed?.state !== 'ended') killed++
      hasServed ||= parsed?.serves === true
    }
  }
  return { alive, sweeping, places, dead, killed, hasServed, nowMs }
}

/** Whether the writer of a temporary file, last written at `modifiedMs`, may still be active. */
export function mayBeAtWork(writer: Writer | undefined, modifiedMs: number, { places, nowMs }: OtherRuns): boolean {
  const running = writer === undefined ? undefined : isRunning(writer)
  return running ?? (nowMs - modifiedMs < SILENCE_MS || (writer !== undefined && places.has(writer.place)))
}

async function readRegistration(store: ObjectStore, key: string): Promise<z.infer<typeof registration> | undefined> {
  try {
    const parsed = registration.safeParse(JSON.parse(Buffer.from(await store.get(key)).toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined // ended in the meantime
  }
}
