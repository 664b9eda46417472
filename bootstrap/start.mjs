#!/usr/bin/env node
// Plain JavaScript for any Node >= 18: finds or installs Node >= 24 and the locked dependencies, then starts a program.
//   start.mjs --prepare             sets up the command line for bin/crypto-lakehouse (needs the runtime dependencies only)
//   start.mjs --script FILE ARG…    a development script (needs the development dependencies too)
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBundle } from './bundle.mjs'
import { ensureDependencies } from './dependencies.mjs'
import { ensureNode } from './node.mjs'
import { root, SetupError } from './setup.mjs'

async function main(args) {
  const node = await ensureNode()
  if (args[0] === '--prepare') {
    await ensureDependencies(node, 'runtime')
    await ensureBundle(node)
    return
  }
  await ensureDependencies(node, 'development')
  const [, script, ...rest] = args
  const entry = resolve(root, script)
  if (node === process.execPath) {
    process.argv = [node, entry, ...rest]
    await import(pathToFileURL(entry).href)
    return
  }
  const child = spawn(node, [entry, ...rest], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.on('SIGINT', () => {}) // the terminal sends SIGINT to the whole process group, so the child handles it
  child.on('error', (error) =>
    fail(new SetupError(`${node} does not start (${error.message}): remove it, or set CRYPTO_LAKEHOUSE_NODE to a Node >= 24`)),
  )
  child.on('exit', (code, signal) => (signal === null ? process.exit(code ?? 1) : process.kill(process.pid, signal)))
}

function fail(error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`crypto-lakehouse: ${error.message}\n`)
  process.exit(1)
}

if (Number(process.versions.node.split('.')[0]) < 18)
  fail(new SetupError(`Node ${process.version} is too old to start with: install any Node >= 18`))
await main(process.argv.slice(2)).catch(fail)
