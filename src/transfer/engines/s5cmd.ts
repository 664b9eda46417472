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

/**
 * Runs the program s5cmd with checked lines, under a watchdog. A copy counts only when the destination confirms it.
 * Never runs `s5cmd sync`, which can delete.
 */
export const s5cmd: TransferEngine = {
  unfit: async (pair) => unfitForServer(pair) ?? (await unfitProgram(pair.s5cmdPath)),
  refuses: (object, pair) => {
    // s5cmd copies with one request and cannot copy larger objects.
    if (object.size > COPY_LIMIT) return 'it is larger than the 5 GiB that s5cmd can copy'
    if (/[\n\r]/.test(object.key)) return 'its key contains a line end, which no batch line of s5cmd can hold'
    // s5cmd encodes a space as +, which Amazon accepts and other services do not.
    return object.key.includes(' ') && pair.destination.s3?.address.endpoint !== undefined
      ? 'its key contains a space, which s5cmd encodes wrongly for this endpoint'
      : undefined
  },
  moveBatch,
}

/** The reason why the program cannot be used, or undefined. */
async function unfitProgram(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['version'], { timeout: 10_000 })
    const version = /v?(\d+)\.(\d+)\./.exec(stdout)
    if (version === null) return `${path} version prints no version number`
    const [major, minor] = [Number(version[1]), Number(version[2])]
    return major === 2 && minor >= 3 ? undefined : `s5cmd ${major}.${minor} is not supported: install 2.3 or later (before 3)`
  } catch (error) {
    return `${path} does not run: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`
  }
}

async function* moveBatch(objects: readonly TransferObject[], pair: Pair): AsyncGenerator<BatchOutcome> {
  const client = pair.destination.s3
  if (client === undefined) throw new LakehouseError('STORE_UNSUPPORTED', 's5cmd copies only between buckets: use another engine')
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
    const report = parseOutput(line, byCommand)
    const object = report === undefined ? undefined : waiting.get(report.destination)
    if (report === undefined || object === undefined) continue
    waiting.delete(report.destination)
    yield report.error === undefined ? await confirm(object, pair, 0) : { object, error: s5cmdError(object, report.error) }
  }
  // s5cmd reported nothing for these objects (killed, hung or silent): ask the destination.
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
  if (source === undefined || destination === undefined)
    throw new LakehouseError('STORE_UNSUPPORTED', 's5cmd copies only between buckets: use another engine')
  return { source: source.address, destination: destination.address }
}

/** The lines of both output streams of `s5cmd run`, until the program ends or the watchdog kills it. */
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
    child.stdin.on('error', () => {}) // the program ended before it read all lines: `moveBatch` finds the missing copies
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

/** Passes credentials in the environment, never in an argument or a file. Removes regions, which would override those of the lines. */
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

/** Kills the process group. s5cmd ignores other signals while it copies. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The process has ended in the meantime.
  }
}

/** Checks that the destination holds the copy. Only a copy made since `sinceMs` counts. */
async function confirm(object: TransferObject, pair: Pair, sinceMs: number): Promise<BatchOutcome> {
  try {
    const to = inBucket(pair.destination, object.key)
    const held = to === undefined ? undefined : await headObject(to.client, to.key)
    if (held === undefined || held.size !== object.size || held.lastModifiedMs < sinceMs - 1000)
      return {
        object,
        error: new LakehouseError('S5CMD_FAILED', `s5cmd did not copy ${object.key}: run again`, { details: { key: object.key } }),
      }
    const proof = await prove(object, pair, held, await publishedDigest(object, pair))
    return { object, moved: { etag: held.etag, proof, throughBytes: 0, diskBytes: 0 } }
  } catch (error) {
    return { object, error: asLakehouseError(error) }
  }
}

function s5cmdError(object: TransferObject, text: string): LakehouseError {
  const code = /AccessDenied|Forbidden|status code: 403/.test(text)
    ? 'STORE_REFUSED'
    : /NoSuchKey|status code: 404/.test(text)
      ? 'OBJECT_NOT_FOUND'
      : /SlowDown|status code: 503/.test(text)
        ? 'STORE_THROTTLED'
        : 'S5CMD_FAILED'
  return new LakehouseError(code, `s5cmd could not copy ${object.key}: ${text.slice(0, 300)}`, { details: { key: object.key } })
}
