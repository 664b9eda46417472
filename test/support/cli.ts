import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

export type CliResult = { readonly code: number | null; readonly out: string; readonly err: string }

/** Runs the command line as a user would, in a folder. */
export async function cli(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string>; interruptAfterMs?: number; main?: string },
): Promise<CliResult> {
  const child = spawn(process.execPath, [options.main ?? MAIN, ...args], { cwd: options.cwd, env: { ...process.env, ...options.env } })
  if (options.interruptAfterMs !== undefined) setTimeout(() => child.kill('SIGINT'), options.interruptAfterMs)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>])
  return { code, out, err }
}
