#!/usr/bin/env node
import module from 'node:module'
import { join } from 'node:path'

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`crypto-lakehouse needs Node >= 24, this is ${process.version}: npm install --global node@24\n`)
  process.exit(2)
}
// Before anything else is compiled: a second start takes half the time. A bundle keeps it beside itself, where nobody else can write.
module.enableCompileCache(import.meta.filename.endsWith('.js') ? join(import.meta.dirname, '.compiled') : undefined)
const { run } = await import('./run.ts')

const abort = new AbortController()
const drain = new AbortController()
let drains = false
let presses = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (signal === 'SIGTERM' && drains && !drain.signal.aborted) return drain.abort()
    // The first asks for an orderly end, the second insists.
    if (++presses > 1) process.exit(130)
    abort.abort(new DOMException('interrupted', 'AbortError'))
  })
}
let outputFailure: NodeJS.ErrnoException | undefined
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  outputFailure = error
  abort.abort(error)
})

const code = await run(process.argv.slice(2), {
  abort: abort.signal,
  drain: drain.signal,
  onDrains: () => {
    drains = true
  },
})
// A reader that goes away early (`| head`) is no failure; what was begun has been put away.
process.exitCode = outputFailure === undefined ? code : outputFailure.code === 'EPIPE' ? 0 : 1
