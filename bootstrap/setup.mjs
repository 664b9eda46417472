// Code that both set-up steps share: paths, a lock for one process at a time, and errors in one sentence.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const cache = join(root, '.cache')

/** The reason why the project cannot be set up, in one sentence. */
export class SetupError extends Error {}

export function say(text) {
  process.stderr.write(`crypto-lakehouse: ${text}\n`)
}

/** Runs `step` while no other process sets up this clone. Takes over the lock of a dead process. */
export async function exclusively(step) {
  const lock = join(cache, 'setup.lock')
  guardDisk(() => {
    if (existsSync(cache) && !statSync(cache).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR', path: cache })
    mkdirSync(cache, { recursive: true })
  })
  for (;;) {
    try {
      guardDisk(() => writeFileSync(lock, String(process.pid), { flag: 'wx' }))
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (ownerIsGone(lock)) rmSync(lock, { force: true })
      else await new Promise((done) => setTimeout(done, 200))
    }
  }
  try {
    return await step()
  } finally {
    rmSync(lock, { force: true })
  }
}

function ownerIsGone(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    if (!Number.isInteger(pid) || pid === 0) return Date.now() - statSync(lock).mtimeMs > 5_000
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH' || error.code === 'ENOENT'
  }
}

export function guardDisk(action) {
  try {
    return action()
  } catch (error) {
    throw diskError(error) ?? error
  }
}

function diskError(error) {
  if (error.code === 'ENOSPC') return new SetupError(`the disk that holds ${root} is full: free about 600 MB and start again`)
  if (['EROFS', 'EACCES', 'EPERM', 'ENOTDIR'].includes(error.code))
    return new SetupError(`cannot write ${error.path ?? root}: clone the project into a folder that you own and start again`)
  return undefined
}

/** The file with the process id of the npm that works in this folder. */
const working = join(cache, 'npm.pid')

/** Ends the npm process that a killed set-up has left running: it would write into folders that this set-up removes. */
async function endFormer() {
  try {
    const pid = Number(readFileSync(working, 'utf8'))
    // Another process may have this id by now. Without /proc this cannot be checked, and the installation is repeated instead.
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('npm')) return
    process.kill(pid, 'SIGKILL')
    for (let left = 40; left > 0 && existsSync(`/proc/${pid}`); left--) await delay(50)
  } catch {
    // no npm is left running
  }
}

/** Runs npm with the Node at `node`. Turns a failure into one sentence that says what to do. */
export async function npm(args, { cwd, node }) {
  await endFormer()
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`
  const child = spawn(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    [...args, '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=warn', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'],
    {
      cwd,
      env: { ...process.env, PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  if (child.pid !== undefined) guardDisk(() => writeFileSync(working, String(child.pid)))
  let output = ''
  child.stdout.on('data', (chunk) => (output = (output + chunk).slice(-20_000)))
  child.stderr.on('data', (chunk) => (output = (output + chunk).slice(-20_000)))
  const code = await new Promise((done) => {
    child.on('error', (error) => done(error.code))
    child.on('exit', (status, signal) => done(status ?? signal))
  })
  guardDisk(() => rmSync(working, { force: true }))
  // On a full disk npm may succeed with truncated packages, and only print warnings.
  if (/\bENOSPC\b/.test(output)) throw diskError({ code: 'ENOSPC' })
  if (code !== 0) throw npmError(code, output)
}

function npmError(code, output) {
  if (code === 'ENOENT') return new SetupError('npm is not installed: install Node with npm, then start again')
  const known = /code (ENOSPC|EROFS|EACCES|EPERM)/.exec(output)?.[1]
  if (known !== undefined) return diskError({ code: known })
  if (/EINTEGRITY/.test(output))
    return new SetupError(
      'the npm registry sent a package with another hash than the pinned one: nothing was installed. Start again, or name a Node >= 24 with CRYPTO_LAKEHOUSE_NODE',
    )
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i.test(output)) {
    return new SetupError('cannot reach the npm registry: connect to the network (or set npm_config_registry) and start again')
  }
  const lines = output
    .trim()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('npm warn'))
  const last = lines.slice(0, 3).join(' · ')
  return new SetupError(`npm failed (${code}): ${last}; start again to repeat the installation`)
}

export function isFile(path) {
  return existsSync(path) && statSync(path).isFile()
}
