import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryFolder } from '../support/folders.ts'

const root = join(import.meta.dirname, '../..')

/** The files of the work tree as a fresh clone would have them. */
async function freshClone(context: TestContext): Promise<string> {
  const clone = join(await temporaryFolder(context), 'clone')
  await mkdir(clone)
  const files = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', 'bin', 'bootstrap', 'src', 'package.json', 'package-lock.json'],
    { cwd: root },
  )
  const packed = execFileSync('tar', ['-C', root, '--null', '-T', '-', '-cf', '-'], { input: files, maxBuffer: 64 << 20 })
  execFileSync('tar', ['-C', clone, '-xf', '-'], { input: packed })
  return clone
}

function start(
  clone: string,
  env: Record<string, string>,
  node = 'node',
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const PATH = node === 'node' ? process.env['PATH'] : `${dirname(node)}:${process.env['PATH']}`
  return spawn(join(clone, 'bin/crypto-lakehouse'), ['version'], {
    env: { ...process.env, PATH, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function end(child: ReturnType<typeof start>): Promise<{ code: number | null; out: string; err: string }> {
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>])
  return { code, out, err }
}

/** A Node of this machine that is too old for the product, if there is one. */
function olderNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, 'node'))
  return folders.find(
    (path) => existsSync(path) && Number(execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' })) < 24,
  )
}

test('a clone sets itself up, repairs an interrupted set-up, and then installs nothing', async (context) => {
  const clone = await freshClone(context)
  // With an old Node the bootstrap brings its own; where the machine has none, the step is the same but for that.
  const node = olderNode() ?? process.execPath
  const interrupted = start(clone, {}, node)
  await delay(1500)
  process.kill(-(interrupted.pid ?? 0), 'SIGKILL')
  await once(interrupted, 'exit')
  await delay(300)
  const first = await end(start(clone, {}, node))
  assert.deepEqual([first.code, first.out], [0, 'crypto-lakehouse 0.2.0\n'], first.err)
  assert.match(first.err, /installing the locked runtime dependencies/)
  const second = await end(start(clone, {}, node))
  assert.deepEqual([second.code, second.out, second.err], [0, 'crypto-lakehouse 0.2.0\n', ''])
})

test('without network, disk space or write access, one sentence says what to do', async (context) => {
  const clone = await freshClone(context)
  const offline = await end(
    start(clone, { npm_config_registry: 'http://127.0.0.1:9', npm_config_cache: join(clone, 'empty') }, process.execPath),
  )
  assert.equal(offline.code, 1)
  assert.match(offline.err, /cannot reach the npm registry: connect to the network/)
  const blocked = await freshClone(context)
  await writeFile(join(blocked, '.cache'), 'a file where a folder should be')
  const refused = await end(start(blocked, {}, process.execPath))
  assert.equal(refused.code, 1)
  assert.match(refused.err.trim(), /^crypto-lakehouse: cannot write .*: clone the project into a folder that you own and start again$/)
  const small = join(dirname(clone), 'small')
  await mkdir(small)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', small], { stdio: 'ignore' })
  } catch {
    context.diagnostic('no rights to mount a small disk: the full disk was not tried')
    return
  }
  try {
    execFileSync('cp', ['-r', `${clone}/.`, small])
    const full = await end(start(small, {}, process.execPath))
    assert.equal(full.code, 1)
    assert.match(full.err, /the disk that holds .* is full: free about 600 MB and start again/)
    execFileSync('mount', ['-o', 'remount,ro', small])
    const readOnly = await end(start(small, {}, process.execPath))
    assert.equal(readOnly.code, 1)
    assert.match(readOnly.err, /cannot write .*: clone the project into a folder that you own/)
  } finally {
    execFileSync('umount', [small])
  }
})

test('a named Node that is too old is refused', {
  skip: olderNode() === undefined && process.env['CI'] !== 'true' ? 'no older Node on this machine' : false,
}, async (context) => {
  const older = olderNode()
  if (older === undefined) return
  const { code, err } = await end(start(await freshClone(context), { CRYPTO_LAKEHOUSE_NODE: older }, older))
  assert.deepEqual([code, /which is not a Node >= 24/.test(err)], [1, true])
})

test('the launcher starts the bundle, rebuilds an outdated one, or sets up', async (context) => {
  const clone = await freshClone(context)
  const launcher = join(clone, 'bin/crypto-lakehouse')
  const run = (...args: string[]) => execFileSync(launcher, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  assert.equal(run('version'), 'crypto-lakehouse 0.2.0\n')
  // What is started now needs no bootstrap.
  await rename(join(clone, 'bootstrap'), join(clone, 'elsewhere'))
  assert.equal(run('version'), 'crypto-lakehouse 0.2.0\n')
  const demo = run('demo', '--simulated', '--lake', join(clone, 'lake'), '--json')
  assert.equal(JSON.parse(demo).status, 'done', 'worker threads are in the bundle too')
  const file = join(clone, 'src/cli/commands/version.ts')
  await writeFile(file, (await readFile(file, 'utf8')).replace('Print the version', 'Print the newer version'))
  assert.throws(() => run('help', 'version'), /start\.mjs/)
  await rename(join(clone, 'elsewhere'), join(clone, 'bootstrap'))
  assert.match(run('help', 'version'), /Print the newer version/)
})

test('a Node from the registry with another hash than the pinned one is refused', async (context) => {
  const node = olderNode()
  if (node === undefined) {
    context.diagnostic('this machine has no older Node: none would be fetched')
    return
  }
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim().replace(/\/$/, '')
  const server = createServer(async (request, response) => {
    const answer = await fetch(registry + (request.url ?? ''))
    const own = `http://${request.headers.host}`
    if (request.url?.endsWith('.tgz') === true) {
      response.end('other bytes')
      return
    }
    response.setHeader('content-type', 'application/json').end((await answer.text()).replaceAll(registry, own))
  }).listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const clone = await freshClone(context)
  const env = {
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: join(clone, 'empty'),
    PATH: `${dirname(node)}:/usr/bin:/bin`,
  }
  const { code, err } = await end(start(clone, env, node))
  assert.equal(code, 1)
  assert.match(err, /another hash than the pinned one: nothing was installed/)
})
