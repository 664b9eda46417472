import { availableParallelism, totalmem } from 'node:os'
import { constrainedMemory } from 'node:process'

/** Processors that this process may use. */
export function cpuCount(): number {
  return availableParallelism()
}

/** Bytes of memory that this process may use: what its control group allows, at most what the machine has. */
export function memoryLimit(): number {
  const allowed = constrainedMemory()
  return allowed > 0 ? Math.min(totalmem(), allowed) : totalmem()
}
