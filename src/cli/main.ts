#!/usr/bin/env node
import { writeSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`crypto-lakehouse needs Node >= 24, but this is Node ${process.version}: run npm install --global node@24\n`)
  process.exit(2)
}
// Enable the cache before anything else is compiled: a second start then takes half the time.
// A bundle keeps its cache in its own folder, where nobody else can write.
module.enableCompileCache(import.meta.filename.endsWith('.js') ? join(import.meta.dirname, '.compiled') : undefined)
const { interruption, run } = await import('./run.ts')

/** After the first signal a command ends within this time, whatever it is doing. */
const GRACE_MS = 1800

/** SIGTERM lets a command that can do so finish the objects that it has begun, for this time. */
const DRAIN_MS = 20_000

const abort = new AbortController()
const drain = new AbortController()
let drains = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (signal === 'SIGTERM' && drains && !drain.signal.aborted) {
      setTimeout(stop, DRAIN_MS).unref()
      return drain.abort()
    }
    // The first signal asks for an orderly end; the second, or the end of the grace period, ends the process.
    if (abort.signal.aborted) endNow()
    stop()
  })
}

function stop(): void {
  abort.abort(new DOMException('interrupted', 'AbortError'))
  setTimeout(endNow, GRACE_MS).unref()
}

/** Ends the process although native code is at work: an ordinary exit would wait for it. What was begun is put right by the next run. */
function endNow(): never {
  const { out, err } = interruption(process.argv.slice(2))
  writeSync(2, err)
  if (out !== '') writeSync(1, out)
  process.emitWarning = () => {}
  if (process.execve !== undefined && process.platform !== 'win32') process.execve('/bin/sh', ['sh', '-c', 'exit 130'], {})
  process.exit(130)
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
// A reader that closes the pipe early (`| head`) is not a failure: the command has cleaned up by now.
process.exitCode = outputFailure === undefined ? code : outputFailure.code === 'EPIPE' ? 0 : 1
