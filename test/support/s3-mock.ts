import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MOCK = join(import.meta.dirname, '../../src/simulator/s3-mock.ts')

/** The mock store in a process of its own, with its arguments. */
export async function startMock(...args: string[]): Promise<{ endpoint: string; close(): void }> {
  const child = spawn(process.execPath, [MOCK, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [endpoint] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { endpoint, close: () => void child.kill('SIGKILL') }
}
