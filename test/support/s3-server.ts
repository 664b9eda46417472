import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PEERS, preparePeers } from '../../scripts/peers.ts'
import { localStore } from '../../src/storage/local.ts'
import type { Place, StoreDeps } from '../../src/storage/place.ts'
import { fixedCredentials } from '../../src/storage/s3/credentials.ts'
import { s3Place } from '../../src/storage/s3/s3-place.ts'

export const ROOT = { accessKeyId: 'ROOTKEY00000000000001', secretAccessKey: 'rootsecret00000000000000000000000001' }
/** An account that may use what a bucket's policy grants, and no more. */
const WRITER = { accessKeyId: 'DSTWRITER0000000001', secretAccessKey: 'dstwritersecret00000000000000000001' }

export type S3Server = {
  readonly endpoint: string
  readonly environment: Readonly<Record<string, string>>
  /** The address of a bucket, which is made when it is not there. */
  bucket(name: string): Promise<string>
  close(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A versitygw of its own, on files in memory where the machine has such; copies of more than 1 MiB must be made in parts. */
export async function startVersity(): Promise<S3Server> {
  await preparePeers()
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'crypto-lakehouse-s3-'))
  for (const name of ['iam', 'data', 'versions']) await mkdir(join(folder, name))
  const account = { access: WRITER.accessKeyId, secret: WRITER.secretAccessKey, role: 'user', userID: 0, groupID: 0, projectID: 0 }
  await writeFile(join(folder, 'iam', 'users.json'), JSON.stringify({ accessAccounts: { [WRITER.accessKeyId]: account } }))
  const port = await freePort()
  const args = [
    '--port',
    `127.0.0.1:${port}`,
    '--region',
    'us-east-1',
    '--keep-alive',
    '--quiet',
    '--health',
    '/health',
    '--iam-dir',
    join(folder, 'iam'),
  ]
  const child = spawn(PEERS.versitygw, [...args, '--copy-object-threshold', '8388608', 'posix', join(folder, 'data')], {
    env: { ...process.env, ROOT_ACCESS_KEY_ID: ROOT.accessKeyId, ROOT_SECRET_ACCESS_KEY: ROOT.secretAccessKey },
    stdio: 'ignore',
  })
  const endpoint = `http://127.0.0.1:${port}`
  return await serverOf(child, folder, endpoint, `${endpoint}/health`)
}

async function serverOf(child: ChildProcess, folder: string, endpoint: string, healthUrl: string): Promise<S3Server> {
  await ready(healthUrl, child)
  return {
    endpoint,
    environment: { AWS_ACCESS_KEY_ID: ROOT.accessKeyId, AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey },
    bucket: async (name) => {
      const address = `s3://${name}?endpoint=${endpoint}`
      const place = openS3(address)
      await place.s3?.call({ operation: 'CreateBucket', method: 'PUT', accept: [409] })
      place.close()
      return address
    },
    close: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function ready(url: string, child: { readonly exitCode: number | null }): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`the S3 server ended with code ${child.exitCode}`)
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} does not answer`)
}

/** From here on, this process reaches stores with the root's credentials. */
export function useRootKeys(): void {
  process.env['AWS_ACCESS_KEY_ID'] = ROOT.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = ROOT.secretAccessKey
}

/** A place with the root's credentials and quick retries. */
export function openS3(address: string, deps: Partial<StoreDeps> = {}): Place {
  const options = {
    connections: 32,
    idleTimeoutMs: 2000,
    attempts: 6,
    retryDelayMs: 10,
    signal: new AbortController().signal,
    nowMs: Date.now,
    random: Math.random,
    environment: {},
    credentials: fixedCredentials(ROOT),
    ...deps,
  }
  if (address.startsWith('s3://')) return s3Place(address, options)
  const store = localStore(address)
  return { address: store.url, store, s3: undefined, close: () => {} }
}

/** A SeaweedFS of its own: a store that lists in the order of directories, not of bytes. */
export async function startSeaweed(): Promise<S3Server> {
  // It takes ten ports, and only finds out at its start that another program has one of them.
  for (let tries = 1; ; tries++) {
    try {
      return await startSeaweedOnce()
    } catch (error) {
      if (tries === 5) throw error
    }
  }
}

async function startSeaweedOnce(): Promise<S3Server> {
  await preparePeers()
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'crypto-lakehouse-weed-'))
  const identity = {
    name: 'root',
    credentials: [{ accessKey: ROOT.accessKeyId, secretKey: ROOT.secretAccessKey }],
    actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
  }
  await writeFile(join(folder, 's3.json'), JSON.stringify({ identities: [identity] }))
  const [s3, master, volume, filer, admin] = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()]
  const port = (name: string, number: number | undefined) => [
    `-${name}.port=${number}`,
    ...(name === 'admin' ? [] : [`-${name}.port.grpc=${(number ?? 0) > 50_000 ? (number ?? 0) - 10_001 : (number ?? 0) + 10_001}`]),
  ]
  const options = [
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    '-master.telemetry=false',
    '-webdav=false',
    `-s3.config=${join(folder, 's3.json')}`,
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-volume.preStopSeconds=0',
  ]
  const ports = [
    ...port('s3', s3),
    ...port('master', master),
    ...port('volume', volume),
    ...port('filer', filer),
    ...port('admin', Math.min(admin ?? 0, 55_000)),
  ]
  const child = spawn(PEERS.weed, ['-logtostderr=true', 'mini', `-dir=${join(folder, 'weed')}`, ...options, ...ports], { stdio: 'ignore' })
  return await serverOf(child, folder, `http://127.0.0.1:${s3}`, `http://127.0.0.1:${s3}/healthz`)
}
