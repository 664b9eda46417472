import { WorkerPool } from '../../platform/worker-pool.ts'
import type { BuildOutcome, BuildTask } from './build-file.ts'

export type BuildPool = WorkerPool<readonly BuildTask[], BuildOutcome[]>

/** Threads that make data files. Each holds one input's rows and a DuckDB of its own, which spills to the directory beyond its memory. */
export function createBuildPool(threads: number, engine: { memoryLimitMb: number; temporaryDirectory: string }): BuildPool {
  // In a bundle the worker lies beside the part that this file is in.
  const module = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
  return new WorkerPool(new URL(module, import.meta.url), threads, engine)
}
