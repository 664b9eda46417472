import type * as z from 'zod'
import type { Lake } from '../lake/lake.ts'
import type { BuildPool } from '../silver/build/build-pool.ts'
import type { DecodeLimits } from '../silver/build/inputs.ts'
import type { QualityOptions } from '../silver/quality/score.ts'
import type { OpenArchive } from '../sources/archive/discover.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** An archive, and a function that repeats calls to it after retryable errors. */
export type ArchiveAccess = { readonly archive: OpenArchive; readonly attempt: <T>(call: () => Promise<T>) => Promise<T> }

/** The resources of a flow. Archives, stores and threads are opened on first use. The runner of the flow closes them. */
export type FlowContext<Progress> = {
  readonly lake: Lake
  readonly archive: (exchange: string) => Promise<ArchiveAccess>
  /** The store at an address. */
  readonly store: (address: string) => Promise<ObjectStore>
  readonly pool: () => BuildPool
  /** How many objects are transferred at once. */
  readonly concurrency: number
  readonly limits: DecodeLimits
  readonly quality: QualityOptions
  readonly onProgress: (progress: Progress) => void
}

/** Named work on a lake that is safe to run again: finished work of an earlier run is kept. */
export type Flow<Input extends z.ZodType, Result, Progress> = {
  readonly id: string
  /** The displayed name, and other names of the flow. */
  readonly displayName: string
  readonly aliases: readonly string[]
  readonly meaning: string
  readonly input: Input
  /** What it does, in order. */
  readonly steps: readonly string[]
  run(context: FlowContext<Progress>, input: z.output<Input>): Promise<Result>
}
