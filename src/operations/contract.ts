import type { Writable } from 'node:stream'
import type * as z from 'zod'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { LakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { IngestProgress } from '../flows/bulk-ingestion/report.ts'
import type { Lakehouse } from '../lakehouse/lakehouse.ts'
import type { Transfers } from '../lakehouse/transfers.ts'
import type { RunCounts } from '../transfer/run/run.ts'

/** What one must be allowed: to see the lake, or to change it. That places are read or written which the caller names, the fields of the input say. */
export const PERMISSIONS = ['read', 'write'] as const

type Permission = (typeof PERMISSIONS)[number]

/** What an operation works with. Whoever calls it, a command, a route or a program, gives the same; no operation knows which of them it is. */
export type OperationContext = {
  /** The configuration and where it comes from. Throws CONFIG_INVALID. */
  readonly loaded: () => LoadedConfig
  readonly lakehouse: (change?: (config: Config) => Config) => Promise<Lakehouse>
  /** Transfers alone, without what tables need. */
  readonly transfers: (change?: (config: Config) => Config) => Promise<Transfers>
  readonly nowMs: () => number
  readonly signal: AbortSignal
  /** Asks for an end after what is under way. */
  readonly drain: AbortSignal
  /** Takes rows that are asked for in a format. It is left open. */
  readonly output: Writable
  /** Told of what a user may want to know and nothing has to be done about. */
  readonly notice: (text: string) => void
  readonly onIngest: (progress: IngestProgress) => void
  readonly onTransfer: (counts: Readonly<RunCounts>) => void
}

export type AnyCounts = Readonly<Record<string, number>>

/** How an operation ended. What concerns single objects is in `findings` and `errors`; `result` is what was asked for, values that JSON carries. */
export type Outcome<Result, Counts extends AnyCounts = AnyCounts> = {
  readonly status: 'done' | 'done_with_findings' | 'failed'
  readonly counts: Counts
  readonly findings?: readonly Finding[]
  readonly errors?: readonly LakehouseError[]
  readonly result: Result
}

/** One thing that a user can ask for. `Item` is what is handed out while it runs, if anything is. */
export type Operation<
  Input extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
  Item = never,
  Counts extends AnyCounts = AnyCounts,
> = {
  /** noun.verb, or a verb alone. */
  readonly id: string
  /** What it does, in a line. */
  readonly summary: string
  readonly permission: Permission
  readonly input: Input
  readonly result: Result
  /** An input that works on the lake of the demonstration. */
  readonly example: z.input<Input>
  /** Throws what concerns the call as a whole, by code. `onItem` is told of each item of a list as it is found, also of those that the result no longer lists. */
  run(context: OperationContext, input: z.output<Input>, onItem: (item: Item) => void): Promise<Outcome<z.output<Result>, Counts>>
}

/** An operation with its types. */
export function operation<Input extends z.ZodType, Result extends z.ZodType, Counts extends AnyCounts, Item = never>(
  one: Operation<Input, Result, Item, Counts>,
): Operation<Input, Result, Item, Counts> {
  return one
}

/** Runs an operation with an input of any origin. Throws USAGE for one that its schema refuses, saying which key. */
export async function call<Input extends z.ZodType, Result extends z.ZodType, Item, Counts extends AnyCounts>(
  { id, input: schema, run }: Operation<Input, Result, Item, Counts>,
  context: OperationContext,
  input: z.input<Input>,
  onItem: (item: Item) => void = () => {},
): Promise<Outcome<z.output<Result>, Counts>> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return await run(context, parsed.data, onItem)
  const [issue] = parsed.error.issues
  const key = issue?.path.join('.') ?? ''
  throw new LakehouseError('USAGE', `${id}: ${key === '' ? '' : `${key}: `}${issue?.message ?? 'the input is not as its schema says'}`, {
    details: { operation: id, key },
  })
}

/** How an outcome with findings ended: what is worth a warning or more is told by the status. */
export function statusOf(findings: readonly Finding[]): 'done' | 'done_with_findings' {
  return findings.some(({ severity }) => severity !== 'info') ? 'done_with_findings' : 'done'
}
