import { WorkerPool } from '../../platform/worker-pool.ts'
import type { BuildOutcome, BuildTask } from './build-file.ts'

export type BuildPool = WorkerPool<readonly BuildTask[], BuildOutcome[]>

/** Threads that build data files. Each has the rows of one input and its own DuckDB, which writes to the directory beyond its memory limit. */
export function createBuildPool(threads: number, engine: { memoryLimitMb: number; temporaryDirectory: string }): BuildPool {
  // In a bundle, the worker file is beside the part that contains this file.
  const module = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
  return new WorkerPool(new URL(module, import.meta.url), threads, engine)
}
