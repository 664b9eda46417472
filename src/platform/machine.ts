import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'

/** Processors that this process may use. */
export function cpuCount(): number {
  return availableParallelism()
}

/** Bytes of memory that this process may use: what its control group allows (version 2, else 1), at most what the machine has. */
export function memoryLimit(root = '/sys/fs/cgroup'): number {
  const limits = [`${root}/memory.max`, `${root}/memory/memory.limit_in_bytes`].flatMap((path) => {
    try {
      const bytes = Number(readFileSync(path, 'utf8'))
      return Number.isFinite(bytes) && bytes > 0 ? [bytes] : []
    } catch {
      return [] // no such control group, or no limit
    }
  })
  return Math.min(totalmem(), ...limits)
}
