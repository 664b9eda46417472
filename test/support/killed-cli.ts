import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

/** Runs the command line, and kills it after so long if it is still at work: its exit code is null then. */
export async function killedCli(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  killAfterMs?: number,
): Promise<{ code: number | null; ms: number }> {
  const started = performance.now()
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore', env: { ...process.env, ...environment } })
  const exited = once(child, 'exit') as Promise<[number | null]>
  if (killAfterMs !== undefined) {
    await Promise.race([delay(killAfterMs), exited])
    child.kill('SIGKILL')
  }
  const [code] = await exited
  return { code, ms: performance.now() - started }
}
