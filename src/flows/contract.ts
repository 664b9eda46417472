import type * as z from 'zod'
import type { Lake } from '../lake/lake.ts'
import type { BuildPool } from '../silver/build/build-pool.ts'
import type { DecodeLimits } from '../silver/build/inputs.ts'
import type { OpenArchive } from '../sources/archive/discover.ts'

/** An archive, and how calls to it are repeated that fail with a retryable error. */
export type ArchiveAccess = { readonly archive: OpenArchive; readonly attempt: <T>(call: () => Promise<T>) => Promise<T> }

/** What a flow works with. Archives and threads are opened when they are first asked for, and closed by whoever runs the flow. */
export type FlowContext<Progress> = {
  readonly lake: Lake
  readonly archive: (exchange: string) => Promise<ArchiveAccess>
  readonly pool: () => BuildPool
  /** Objects on their way at once. */
  readonly concurrency: number
  readonly limits: DecodeLimits
  readonly onProgress: (progress: Progress) => void
}

/** Named work over a lake that is safe to run again: whatever an earlier run has finished is found and left as it is. */
export type Flow<Input extends z.ZodType, Result, Progress> = {
  readonly id: string
  /** The name that people see, and other names that find the flow. */
  readonly displayName: string
  readonly aliases: readonly string[]
  readonly meaning: string
  readonly input: Input
  /** What it does, in order. */
  readonly steps: readonly string[]
  run(context: FlowContext<Progress>, input: z.output<Input>): Promise<Result>
}
