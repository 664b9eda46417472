import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PEERS, preparePeers } from '../scripts/peers.ts'
import { deleteObjects } from '../src/storage/s3/operations.ts'
import { startMock } from '../test/support/s3-mock.ts'
import { openS3, ROOT, type S3Server, startVersity } from '../test/support/s3-server.ts'
import { fill } from '../test/support/transfers.ts'

const MAIN = join(import.meta.dirname, '../src/cli/main.ts')
const OBJECTS = 20_000
const RUNS = 3
const RELAYED = 10
const RELAYED_BYTES = 200e6

type Measured = { readonly wallMs: number; readonly cpuMs: number; readonly rssMb: number }

type Contender = {
  readonly name: string
  readonly prepare?: () => Promise<void>
  readonly command: () => readonly string[]
  readonly input?: string
}

let environment: NodeJS.ProcessEnv = {}

/** Measures a process and its children with GNU time. */
async function measure(command: readonly string[], input?: string): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  const file = join(folder, 'time')
  const started = performance.now()
  const child = spawn('/usr/bin/time', ['-f', '%U %S %M', '-o', file, ...command], {
    env: environment,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (text) => {
    if (errors.length < 2000) errors += String(text)
  })
  child.stdin?.end(input)
  const [code] = (await once(child, 'exit')) as [number | null]
  const wallMs = performance.now() - started
  const [user = '0', system = '0', rss = '0'] = (readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '').split(' ')
  await rm(folder, { recursive: true, force: true })
  if (code !== 0) throw new Error(`${command.slice(0, 3).join(' ')} ended with ${code}: ${errors.slice(0, 500)}`)
  return { wallMs, cpuMs: (Number(user) + Number(system)) * 1000, rssMb: Number(rss) / 1024 }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** Prints the median of each contender. Runs alternate, so that disturbances affect all of them. The first contender is ours. */
async function compare(title: string, contenders: readonly Contender[], per: { of: number; unit: string }): Promise<void> {
  const all = new Map(contenders.map(({ name }) => [name, [] as Measured[]]))
  for (let run = 0; run < RUNS; run++)
    for (const { name, prepare, command, input } of contenders) {
      await prepare?.()
      all.get(name)?.push(await measure(command(), input))
    }
  const row = (name: string) => {
    const runs = all.get(name) ?? []
    return {
      wallMs: median(runs.map(({ wallMs }) => wallMs)),
      cpuMs: median(runs.map(({ cpuMs }) => cpuMs)),
      rssMb: median(runs.map(({ rssMb }) => rssMb)),
    }
  }
  const ours = row(contenders[0]?.name ?? '')
  process.stdout.write(`\n${title}\n`)
  for (const { name } of contenders) {
    const { wallMs, cpuMs, rssMb } = row(name)
    const ratios =
      name === contenders[0]?.name ? '' : `  ours / this: wall ${(ours.wallMs / wallMs).toFixed(2)}, CPU ${(ours.cpuMs / cpuMs).toFixed(2)}`
    process.stdout.write(
      `  ${name.padEnd(22)} ${Math.round(wallMs).toString().padStart(7)} ms wall ${Math.round(cpuMs).toString().padStart(7)} ms CPU ${Math.round(rssMb).toString().padStart(5)} MB  ${(cpuMs / per.of).toFixed(3)} ms CPU ${per.unit}${ratios}\n`,
    )
  }
}

/** Measures our copies, listings and relays against s5cmd, rclone and the AWS command line in one run. */
export async function benchTransfer(_cache: string, only?: string): Promise<void> {
  await preparePeers()
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-transfer-'))
  environment = {
    ...process.env,
    AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
    AWS_REGION: 'us-east-1',
    LAKEHOUSE_SYNC_STATE: join(folder, 'state'),
    RCLONE_CONFIG: join(folder, 'rclone.conf'),
  }
  const mock = await startMock('--objects', String(OBJECTS))
  const [one, two] = [await startVersity(), await startVersity()]
  try {
    const { endpoint } = mock
    await writeFile(
      join(folder, 'rclone.conf'),
      [remote('mock', endpoint), remote('one', one.endpoint), remote('two', two.endpoint)].join('\n'),
    )
    if (only === undefined || only === 'mock') await copies('the mock', 'mock', endpoint, 'source', folder)
    if (only === undefined || only === 'versitygw') {
      await fillServer(one)
      await copies('versitygw', 'one', one.endpoint, 'source', folder)
    }
    if (only === undefined || only === 'relay') await relays(one, two)
  } finally {
    mock.close()
    await one.close()
    await two.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Frees the memory of the copies. */
async function empty(address: string): Promise<void> {
  const place = openS3(address)
  const keys: string[] = []
  for await (const { key } of place.store.list('')) keys.push(key)
  if (place.s3 !== undefined)
    for (let at = 0; at < keys.length; at += 1000) await deleteObjects(place.s3, keys.slice(at, at + 1000)).catch(() => {})
  place.close()
}

function remote(name: string, endpoint: string): string {
  return `[${name}]\ntype = s3\nprovider = Other\nenv_auth = true\nendpoint = ${endpoint}\nregion = us-east-1\nforce_path_style = true\n`
}

async function fillServer(server: S3Server): Promise<void> {
  const place = openS3(await server.bucket('source'))
  await fill(
    place,
    Array.from(
      { length: OBJECTS },
      (_, n) => `data/spot/S${String(Math.floor(n / 500)).padStart(5, '0')}/object-${String(n).padStart(8, '0')}.zip`,
    ),
    65_536,
  )
  place.close()
}

async function copies(title: string, name: string, endpoint: string, bucket: string, folder: string): Promise<void> {
  let round = 0
  let target = ''
  const fresh = async () => {
    if (target !== '') await empty(`s3://${target}?endpoint=${endpoint}`)
    target = `target${round++}`
    const place = openS3(`s3://${target}?endpoint=${endpoint}`)
    await place.s3?.call({ operation: 'CreateBucket', method: 'PUT', accept: [404, 409] }).catch(() => {})
    place.close()
  }
  const address = (of: string) => `s3://${of}?endpoint=${endpoint}`
  const batch = join(folder, 'batch.txt')
  const batchFor = async () => {
    await fresh()
    const place = openS3(address(bucket))
    const lines: string[] = []
    for await (const { key } of place.store.list(''))
      lines.push(`cp --raw --metadata-directive COPY 's3://${bucket}/${key}' 's3://${target}/${key}'`)
    place.close()
    await writeFile(batch, `${lines.join('\n')}\n`)
  }
  const s5cmd = [PEERS.s5cmd, '--endpoint-url', endpoint, '--numworkers', '64']
  const ours = [process.execPath, MAIN, 'sync', '--quiet']
  const rclone = [PEERS.rclone, '--transfers', '64', '--checkers', '64']
  const aws = [join(PEERS.aws, '..', 'python'), PEERS.aws, '--endpoint-url', endpoint, 's3']
  await compare(
    `server-side copy of ${OBJECTS} objects of 64 KiB on ${title}`,
    [
      { name: 'ours', prepare: fresh, command: () => [...ours, address(bucket), address(target)] },
      { name: 's5cmd run', prepare: batchFor, command: () => [...s5cmd, 'run', batch] },
      { name: 's5cmd cp (wildcard)', prepare: fresh, command: () => [...s5cmd, 'cp', `s3://${bucket}/*`, `s3://${target}/`] },
      { name: 'rclone', prepare: fresh, command: () => [...rclone, 'copy', `${name}:${bucket}`, `${name}:${target}`] },
    ],
    { of: OBJECTS, unit: 'per object' },
  )
  await compare(
    `nothing to do: ${OBJECTS} objects are already there, ${title}`,
    [
      { name: 'ours', command: () => [...ours, address(bucket), address(target)] },
      { name: 'rclone --checksum', command: () => [...rclone, 'copy', '--checksum', `${name}:${bucket}`, `${name}:${target}`] },
      { name: 's5cmd sync', command: () => [...s5cmd, 'sync', `s3://${bucket}/*`, `s3://${target}/`] },
      { name: 'aws s3 sync', command: () => [...aws, 'sync', '--quiet', `s3://${bucket}`, `s3://${target}`] },
    ],
    { of: OBJECTS, unit: 'per object' },
  )
  await compare(
    `listing ${OBJECTS} keys, ${title}`,
    [
      { name: 'ours (plan)', command: () => [process.execPath, MAIN, 'sync', '--explain', address(bucket), join(folder, 'nowhere')] },
      { name: 's5cmd ls', command: () => [...s5cmd, 'ls', `s3://${bucket}/*`] },
      { name: 'rclone lsf', command: () => [...rclone, 'lsf', '-R', '--fast-list', `${name}:${bucket}`] },
    ],
    { of: OBJECTS, unit: 'per key' },
  )
}

async function relays(one: S3Server, two: S3Server): Promise<void> {
  const source = openS3(await one.bucket('large'))
  for (let n = 0; n < RELAYED; n++) await source.store.put(`large-${n}`, pieces(n))
  source.close()
  let round = 0
  let target = ''
  const fresh = async () => {
    if (target !== '') await empty(`s3://${target}?endpoint=${two.endpoint}`)
    target = `relayed${round++}`
    await two.bucket(target)
  }
  await compare(
    `relay of ${RELAYED} objects of ${RELAYED_BYTES / 1e6} MB between two versitygw`,
    [
      {
        name: 'ours',
        prepare: fresh,
        command: () => [
          process.execPath,
          MAIN,
          'sync',
          '--quiet',
          '--concurrency',
          '4',
          `s3://large?endpoint=${one.endpoint}`,
          `s3://${target}?endpoint=${two.endpoint}`,
        ],
      },
      { name: 'rclone', prepare: fresh, command: () => [PEERS.rclone, 'copy', '--transfers', '4', 'one:large', `two:${target}`] },
    ],
    { of: (RELAYED * RELAYED_BYTES) / 1e9, unit: 'per GB' },
  )
}

async function* pieces(seed: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < RELAYED_BYTES; sent += 1e6) yield Buffer.alloc(1e6, seed + 1)
}
