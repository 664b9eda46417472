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
  /** Its clients write files long before they commit them, and go on when it has ended. */
  serves: z.boolean().default(false),
})

/** A run registered in the lake: others see that a writer is at work. */
export type Run = {
  readonly id: string
  /** Says that the run is alive; the answer is the store's own time, ms. */
  beat(): Promise<number>
  /** Says that the run removes what looks orphaned: runs that begin wait until it has ended. */
  setSweeping(sweeping: boolean): Promise<void>
  /** Ends the registration. A run that may leave orphans stays registered as ended, so that the next run sweeps. */
  end(options: { mayLeaveOrphans: boolean }): Promise<void>
}

/** A run says so often that it is alive … */
const BEAT_MS = 15_000

/** … and is taken for dead after so long a silence, where its process cannot be asked. */
const SILENCE_MS = 120_000

const WAIT_MS = 50

/** A wait that lasts so long is told. */
const NOTICE_MS = 2000

export type RunDeps = { readonly nowMs: () => number; readonly signal: AbortSignal; readonly onNotice: (text: string) => void }

/** Registers a run, and waits while another one sweeps; ids sort by time: 20240101T000000000-1a2b3c4d. */
export async function beginRun(store: ObjectStore, deps: RunDeps, { serves = false } = {}): Promise<Run> {
  const startedAt = new Date(deps.nowMs()).toISOString()
  const id = `${startedAt.replaceAll(/[-:.Z]/g, '')}-${randomBytes(4).toString('hex')}`
  const key = `${RUNS_PREFIX}${id}.json`
  let state: z.infer<typeof registration>['state'] = 'working'
  let writing = Promise.resolve(0)
  // One after the other, so that a late beat cannot bring back what `end` has removed.
  const register = () => {
    const write = async () =>
      (await store.put(key, Buffer.from(JSON.stringify({ writer: thisWriter(), startedAt, state, serves })))).lastModifiedMs
    writing = writing.then(write, write)
    return writing
  }
  await register()
  // A beat that fails is missed: the next one may succeed, and a lake that cannot be written to fails the run elsewhere.
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
    if (waitedMs === NOTICE_MS) onNotice('another run removes what killed runs have left behind: waiting for it to end')
    await delay(WAIT_MS, undefined, { signal })
  }
}

/** Other runs: how many may still be at work, how many of them sweep, in which places, and the registrations that killed ones left behind. */
export type OtherRuns = {
  readonly alive: number
  readonly sweeping: number
  readonly places: ReadonlySet<string>
  readonly dead: readonly string[]
  /** How many of the dead did not end by themselves. */
  readonly killed: number
  /** Whether one of the dead served others. */
  readonly hasServed: boolean
  /** The store's own time, ms: its clock, not ours, stamped the others' beats. */
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

/** Whether the writer of a temporary file, last written at `modifiedMs`, may still be at work. */
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
