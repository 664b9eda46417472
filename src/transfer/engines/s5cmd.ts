import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { headObject } from '../../storage/s3/operations.ts'
import type { S3Client } from '../../storage/s3/s3-client.ts'
import { inBucket, type Pair, unfitForServer } from '../pair.ts'
import type { TransferObject } from '../plan/diff.ts'
import type { BatchOutcome, TransferEngine } from './engine.ts'
import { prove, publishedDigest } from './proof.ts'
import { batchLine, parseOutput, type S5cmdCopy } from './s5cmd-batch.ts'
import { COPY_LIMIT } from './upload.ts'

/** The real s5cmd, fed with lines that have been proved, watched, and believed only as far as the destination confirms it. Never `s5cmd sync`, which can delete. */
export const s5cmd: TransferEngine = {
  unfit: async (pair) => unfitForServer(pair) ?? (await unfitProgram(pair.s5cmdPath)),
  refuses: (object, pair) => {
    // It copies with one request, and has no way for what needs more.
    if (object.size > COPY_LIMIT) return 'it is larger than the 5 GiB that s5cmd can copy'
    if (/[\n\r]/.test(object.key)) return 'no line of s5cmd can hold a key with a line end'
    // s5cmd writes a space as +, which Amazon takes and others do not.
    return object.key.includes(' ') && pair.destination.s3?.address.endpoint !== undefined ? 'its key holds a space' : undefined
  },
  moveBatch,
}

/** Why the program cannot be used, or undefined. */
async function unfitProgram(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['version'], { timeout: 10_000 })
    const version = /v?(\d+)\.(\d+)\./.exec(stdout)
    if (version === null) return `${path} does not tell its version`
    const [major, minor] = [Number(version[1]), Number(version[2])]
    return major === 2 && minor >= 3 ? undefined : `s5cmd ${major}.${minor} is not 2.3 or later (and before 3)`
  } catch (error) {
    return `${path} does not run: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`
  }
}

async function* moveBatch(objects: readonly TransferObject[], pair: Pair): AsyncGenerator<BatchOutcome> {
  const client = pair.destination.s3
  if (client === undefined) throw new LakehouseError('STORE_UNSUPPORTED', 'both sides must be buckets')
  const startedMs = pair.nowMs()
  const waiting = new Map<string, TransferObject>()
  const byCommand = new Map<string, S5cmdCopy>()
  const lines: string[] = []
  const regions = addresses(pair)
  for (const object of objects) {
    const copy = copyOf(object, pair)
    waiting.set(copy.destination, object)
    byCommand.set(`cp ${copy.source} ${copy.destination}`, copy)
    lines.push(batchLine(copy, regions, pair.write))
  }
  for await (const line of runBatch(lines, client, pair)) {
    const told = parseOutput(line, byCommand)
    const object = told === undefined ? undefined : waiting.get(told.destination)
    if (told === undefined || object === undefined) continue
    waiting.delete(told.destination)
    yield told.error === undefined ? await confirm(object, pair, 0) : { object, error: s5cmdError(object, told.error) }
  }
  // Killed, hung or silent: only the destination knows.
  for (const object of waiting.values()) yield await confirm(object, pair, startedMs)
}

function copyOf(object: TransferObject, pair: Pair): S5cmdCopy {
  const name = (side: Pair['source']) => {
    const found = inBucket(side, object.key)
    return `s3://${found?.client.address.bucket ?? ''}/${found?.key ?? ''}`
  }
  return { source: name(pair.source), destination: name(pair.destination) }
}

function addresses(pair: Pair) {
  const [source, destination] = [pair.source.s3, pair.destination.s3]
  if (source === undefined || destination === undefined) throw new LakehouseError('STORE_UNSUPPORTED', 'both sides must be buckets')
  return { source: source.address, destination: destination.address }
}

/** The lines of both outputs of `s5cmd run`, ended by the program or by the watchdog. */
async function* runBatch(lines: readonly string[], client: S3Client, pair: Pair): AsyncGenerator<string> {
  const { endpoint } = client.address
  const options = ['--json', '--log', 'info', '--retry-count', '3', '--numworkers', String(pair.concurrency)]
  if (endpoint !== undefined) options.push('--endpoint-url', endpoint)
  const child = spawn(pair.s5cmdPath, [...options, 'run'], {
    detached: true,
    env: await credentialsIn(pair.environment, client),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const kill = () => killGroup(child)
  let watchdog = setTimeout(kill, pair.idleTimeoutMs)
  pair.signal.addEventListener('abort', kill)
  try {
    child.on('error', kill)
    child.stdin.on('error', () => {}) // it ended before it had read everything: what is missing shows below
    child.stdin.end(`${lines.join('\n')}\n`)
    const both = Readable.from(mergeLines(child))
    for await (const line of both) {
      clearTimeout(watchdog)
      watchdog = setTimeout(kill, pair.idleTimeoutMs)
      yield String(line)
    }
  } finally {
    clearTimeout(watchdog)
    pair.signal.removeEventListener('abort', kill)
    kill()
  }
}

async function* mergeLines(child: ChildProcess): AsyncGenerator<string> {
  const lines: string[] = []
  let wake = () => {}
  let open = 0
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    open++
    const reader = createInterface({ input: stream })
    reader.on('line', (line) => {
      lines.push(line)
      wake()
    })
    reader.on('close', () => {
      open--
      wake()
    })
  }
  while (open > 0 || lines.length > 0) {
    const line = lines.shift()
    if (line !== undefined) yield line
    else
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
}

/** Credentials go through the environment, never through an argument or a file; a region there would override those of the lines. */
async function credentialsIn(environment: NodeJS.ProcessEnv, client: S3Client): Promise<NodeJS.ProcessEnv> {
  const credentials = await client.credentials()
  const { AWS_REGION: _region, AWS_DEFAULT_REGION: _default, AWS_PROFILE: _profile, ...rest } = environment
  return {
    ...rest,
    AWS_ACCESS_KEY_ID: credentials?.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? '',
    ...(credentials?.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
  }
}

/** s5cmd ignores milder signals while a copy is under way. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** Whether the destination holds the copy; when s5cmd has not told, only one made since `sinceMs` counts. */
async function confirm(object: TransferObject, pair: Pair, sinceMs: number): Promise<BatchOutcome> {
  try {
    const to = inBucket(pair.destination, object.key)
    const held = to === undefined ? undefined : await headObject(to.client, to.key)
    if (held === undefined || held.size !== object.size || held.lastModifiedMs < sinceMs - 1000)
      return { object, error: new LakehouseError('S5CMD_FAILED', `s5cmd did not copy ${object.key}`, { details: { key: object.key } }) }
    const proof = await prove(object, pair, held, await publishedDigest(object, pair))
    return { object, moved: { etag: held.etag, proof, throughBytes: 0, diskBytes: 0 } }
  } catch (error) {
    return { object, error: asLakehouseError(error) }
  }
}

function s5cmdError(object: TransferObject, told: string): LakehouseError {
  const code = /AccessDenied|Forbidden|status code: 403/.test(told)
    ? 'STORE_REFUSED'
    : /NoSuchKey|status code: 404/.test(told)
      ? 'OBJECT_NOT_FOUND'
      : /SlowDown|status code: 503/.test(told)
        ? 'STORE_THROTTLED'
        : 'S5CMD_FAILED'
  return new LakehouseError(code, `s5cmd: ${object.key}: ${told.slice(0, 300)}`, { details: { key: object.key } })
}
