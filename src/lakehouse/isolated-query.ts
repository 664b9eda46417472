import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config/schema.ts'
import { type ErrorCode, LakehouseError } from '../core/errors.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import type { Layer } from '../lake/layout.ts'
import type { Host } from '../platform/host.ts'
import type { BoundTable } from '../query/bound-table.ts'
import type { ResultBounds, ResultFormat } from '../query/run-query.ts'
import { makeScratch } from '../storage/scratch.ts'

/** The bounds of one query. `timeoutMs` and `memoryMb` are kept by the process that asks, the others by the query itself. */
export type QueryBounds = ResultBounds & { readonly timeoutMs: number; readonly memoryMb: number }

type Asked = {
  readonly sql: string
  readonly asOf: AsOf | undefined
  readonly layer: Layer | undefined
  /** `rows` answers rows as objects, `explain` only the tables; a format writes the result to the output. */
  readonly result: 'rows' | 'explain' | ResultFormat
}

export type IsolatedQuery = Asked & {
  /** A file, a stream, or undefined where nothing is written. */
  readonly output: string | Writable | undefined
  readonly bounds: QueryBounds
}

/** What the process of a query is sent. */
export type QueryRequest = Asked & { readonly config: Config; readonly output: string | undefined; readonly bounds: ResultBounds }

/** What it answers. */
export type QueryAnswer =
  | { readonly rows: readonly Record<string, unknown>[]; readonly tables: BoundTable[] }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly details: LakehouseError['details'] } }

/** After a query was asked to stop, its process is killed when it still runs this long. */
const GRACE_MS = 1000

/** Memory of the process before a query runs: Node and the engine, and each thread of the engine, MB. */
const BASE_MB = 300
const THREAD_MB = 24

/** How often the memory of the process is looked at. */
const LOOK_MS = 50

/**
 * Runs a statement in a process of its own, under a limit of memory and a deadline: the engine bounds neither the memory of its scalar functions nor the time until it notices an interruption.
 * Throws what the query throws, QUERY_LIMIT for one that passed a bound, INTERRUPTED.
 */
export async function queryIsolated(
  config: Config,
  { signal, environment }: Pick<Host, 'signal' | 'environment'>,
  query: IsolatedQuery,
): Promise<Exclude<QueryAnswer, { error: unknown }>> {
  signal.throwIfAborted()
  const { bounds, output } = query
  const scratch = await makeScratch()
  const stream = typeof output === 'object' ? output : undefined
  const child = start(environment, scratch, output)
  let endedBy: 'deadline' | 'signal' | 'memory' | 'disk' | undefined
  let killer: NodeJS.Timeout | undefined
  const stop = (why: 'deadline' | 'signal') => {
    endedBy ??= why
    if (child.connected) child.send('stop')
    killer ??= setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  }
  const mostMb = BASE_MB + THREAD_MB * config.engine.workers + bounds.memoryMb
  child.once('message', () => limitAddressSpace(child, mostMb))
  const kill = (why: 'memory' | 'disk') => {
    endedBy ??= why
    child.kill('SIGKILL')
  }
  const look = setInterval(() => {
    if (memoryOf(child).residentMb > mostMb) kill('memory')
    void diskOf(scratch).then((bytes) => (bytes > bounds.spillMb * 2 ** 20 ? kill('disk') : undefined))
  }, LOOK_MS)
  const onAbort = () => stop('signal')
  signal.addEventListener('abort', onAbort)
  const deadline = setTimeout(() => stop('deadline'), bounds.timeoutMs)
  try {
    const answer = await answerOf(child, config, query, stream)
    if (endedBy === 'signal') throw new LakehouseError('INTERRUPTED', 'interrupted')
    if (endedBy === 'deadline') throw limit(`ran longer than ${bounds.timeoutMs / 1000} s`, '--timeout')
    if (endedBy === 'disk') throw tooMuchDisk(bounds)
    if (endedBy === 'memory' || answer === undefined) throw tooMuchMemory(bounds)
    if ('error' in answer) {
      const { code, message, details } = answer.error
      if (/max_temp_directory_size/.test(message)) throw tooMuchDisk(bounds)
      if (/^Out of Memory Error|Array buffer allocation failed/.test(message)) throw tooMuchMemory(bounds)
      throw new LakehouseError(code, message, { details })
    }
    return answer
  } finally {
    clearInterval(look)
    clearTimeout(deadline)
    clearTimeout(killer)
    signal.removeEventListener('abort', onAbort)
    await rm(scratch, { recursive: true, force: true })
  }
}

function limit(what: string, option: string): LakehouseError {
  return new LakehouseError('QUERY_LIMIT', `the query ${what}: read less, or raise ${option}`)
}

function tooMuchMemory({ memoryMb }: QueryBounds): LakehouseError {
  return limit(`needed more than ${memoryMb} MB of memory`, '--max-memory')
}

function tooMuchDisk({ spillMb }: QueryBounds): LakehouseError {
  return limit(`needed more than ${spillMb} MB of disk for intermediate results`, '--max-spill')
}

/** Bytes that the files of a folder hold, as far as they can be seen. */
async function diskOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = files.map(async (file) => (file.isFile() ? (await stat(join(file.parentPath, file.name))).size : 0))
  return (await Promise.all(sizes.map((size) => size.catch(() => 0)))).reduce((sum, size) => sum + size, 0)
}

function start(environment: NodeJS.ProcessEnv, scratch: string, output: IsolatedQuery['output']): ChildProcess {
  const worker = new URL(import.meta.url.endsWith('.ts') ? './query-worker.ts' : './query-worker.js', import.meta.url)
  // A group of its own: Ctrl-C in a terminal reaches this process alone, which then ends the query.
  return spawn(process.execPath, [worker.pathname], {
    detached: true,
    stdio: [
      'ignore',
      output === undefined ? 'ignore' : typeof output === 'string' || output === process.stdout ? 'inherit' : 'pipe',
      'ignore',
      'ipc',
    ],
    env: { ...environment, TMPDIR: scratch, MALLOC_ARENA_MAX: '2' },
  })
}

/**
 * Lets the process map this much more, so that an allocation beyond it fails at once by an error of the engine. Node reserves gigabytes that it never uses: what it has now does not count.
 * Without the program prlimit, as on macOS, only the watch over resident memory holds, where /proc tells it.
 */
function limitAddressSpace(child: ChildProcess, mostMb: number): void {
  const { mappedMb } = memoryOf(child)
  if (mappedMb > 0)
    spawn('prlimit', ['--pid', String(child.pid), `--as=${(mappedMb + mostMb) * 2 ** 20}`, '--core=0'], { stdio: 'ignore' }).on(
      'error',
      () => {},
    )
}

/** What a process has mapped, and what of it is resident; zeros where the system does not tell. */
function memoryOf({ pid }: ChildProcess): { mappedMb: number; residentMb: number } {
  try {
    const [mapped = 0, resident = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number)
    return { mappedMb: Math.ceil(mapped / PAGES_OF_MB), residentMb: Math.ceil(resident / PAGES_OF_MB) }
  } catch {
    return { mappedMb: 0, residentMb: 0 }
  }
}

/** Pages of 4 KiB in a megabyte; larger pages make the bounds narrower, never wider. */
const PAGES_OF_MB = 256

/** The answer of the process, which has ended by then; undefined when it died without one. Throws what the output throws. */
async function answerOf(
  child: ChildProcess,
  config: Config,
  query: IsolatedQuery,
  stream: Writable | undefined,
): Promise<QueryAnswer | undefined> {
  const { output, bounds, ...asked } = query
  const { maxRows, spillMb } = bounds
  let answer: QueryAnswer | undefined
  child.on('message', (message: 'ready' | QueryAnswer) => {
    if (message !== 'ready') answer = message
    else
      child.send({
        ...asked,
        config,
        output: typeof output === 'string' ? output : undefined,
        bounds: { maxRows, spillMb },
      } satisfies QueryRequest)
  })
  const ended = new Promise<void>((resolve, reject) => child.on('error', reject).on('close', () => resolve()))
  try {
    if (child.stdout !== null && stream !== undefined) await pipeline(child.stdout, stream, { end: false })
  } catch (error) {
    // Nobody reads the result any more, and the deadline ends with this call.
    child.kill('SIGKILL')
    throw error
  } finally {
    await ended
  }
  return answer
}
