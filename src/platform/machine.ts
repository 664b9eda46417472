import { availableParallelism, totalmem } from 'node:os'
import { constrainedMemory } from 'node:process'

/** The number of processors that this process may use. */
export function cpuCount(): number {
  return availableParallelism()
}

/** The bytes of memory that this process may use: the limit of its control group, at most the memory of the machine. */
export function memoryLimit(): number {
  const allowed = constrainedMemory()
  return allowed > 0 ? Math.min(totalmem(), allowed) : totalmem()
}
