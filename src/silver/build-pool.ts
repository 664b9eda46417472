import { WorkerPool } from '../platform/worker-pool.ts'
import type { BuildOutcome, BuildTask } from './build-file.ts'

export type BuildPool = WorkerPool<BuildTask, BuildOutcome>

/** Threads that make data files. Each holds one file's rows and a DuckDB of its own. */
export function createBuildPool(threads: number): BuildPool {
  const module = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
  return new WorkerPool(new URL(module, import.meta.url), threads)
}
