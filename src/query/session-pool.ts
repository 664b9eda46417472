import { rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LAYERS } from '../lake/layout.ts'
import { DuckDBSession, quote } from '../platform/duckdb/session.ts'
import { makeScratch } from '../storage/scratch.ts'

/** A session that sees some folders and nothing else of this machine, and whose settings cannot be changed. `scratch` is one of the folders. */
export type FencedSession = { readonly session: DuckDBSession; readonly scratch: string }

export type FenceOptions = SessionLimits & { readonly folders: readonly string[] }

/** What one session may use. */
export type SessionLimits = {
  readonly threads: number
  readonly memoryLimitMb: number
  /** Disk for intermediate results. */
  readonly spillMb: number
}

/** An idle session is closed after so long. */
const IDLE_MS = 10_000

/** So many wait for the next query of their kind. */
const IDLE_MOST = 4

type Idle = FencedSession & { readonly kind: string; readonly timer: NodeJS.Timeout }

const idle: Idle[] = []

/** Opens a session with a schema for each layer. Nothing is fenced before `fence`. */
export async function openSession({ threads, memoryLimitMb, spillMb }: SessionLimits): Promise<FencedSession> {
  const scratch = await makeScratch()
  const session = await DuckDBSession.open({
    threads,
    memoryLimitMb,
    temporaryDirectory: join(scratch, 'spill'),
    temporaryLimitMb: spillMb,
  })
  for (const layer of LAYERS) await session.run(`CREATE SCHEMA ${layer}`)
  return { session, scratch }
}

/** From here on the engine sees the given folders and its scratch alone, and no setting can be changed back. */
export async function fence({ session, scratch }: FencedSession, folders: readonly string[]): Promise<void> {
  const allowed = [...folders, scratch].map((folder) => quote(`${folder}/`))
  // Data files never change under their names.
  await session.run('SET parquet_metadata_cache = true')
  await session.run(`SET allowed_directories = [${allowed.join(', ')}]`)
  await session.run('SET enable_external_access = false')
  await session.run('SET lock_configuration = true')
}

/** A fenced session for one query: one that has served before, where there is one, because to open it takes longer than most queries. */
export async function takeSession(options: FenceOptions): Promise<FencedSession> {
  const kind = kindOf(options)
  const at = idle.findIndex((one) => one.kind === kind)
  const found = at < 0 ? undefined : idle.splice(at, 1)[0]
  if (found !== undefined) {
    clearTimeout(found.timer)
    return found
  }
  const opened = await openSession(options)
  try {
    await fence(opened, options.folders)
    return opened
  } catch (error) {
    await closeSession(opened)
    throw error
  }
}

/** Gives a session back that its query has left in order. */
export async function giveSession({ session, scratch }: FencedSession, options: FenceOptions): Promise<void> {
  if (idle.length >= IDLE_MOST) return await closeSession({ session, scratch })
  const timer = setTimeout(() => {
    idle.splice(idle.indexOf(entry), 1)
    void closeSession(entry)
  }, IDLE_MS).unref()
  const entry: Idle = { session, scratch, kind: kindOf(options), timer }
  idle.push(entry)
}

export async function closeSession({ session, scratch }: FencedSession): Promise<void> {
  session.close()
  await rm(scratch, { recursive: true, force: true })
}

function kindOf(options: FenceOptions): string {
  return JSON.stringify(options)
}

// What is idle when the process ends leaves no folder behind.
process.on('exit', () => {
  for (const { scratch } of idle) rmSync(scratch, { recursive: true, force: true })
})
