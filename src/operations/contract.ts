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

/** The right that an operation needs: to read the lake or to change it. Input fields with `place` name addresses that the operation also reads or writes. */
export const PERMISSIONS = ['read', 'write'] as const

type Permission = (typeof PERMISSIONS)[number]

/** What every caller gives to an operation. The caller may be a command, a route or a program; the operation cannot tell which. */
export type OperationContext = {
  /** The configuration and the sources of its values. Throws CONFIG_INVALID. */
  readonly loaded: () => LoadedConfig
  readonly lakehouse: (change?: (config: Config) => Config) => Promise<Lakehouse>
  /** Transfers, without the parts that only tables need. */
  readonly transfers: (change?: (config: Config) => Config) => Promise<Transfers>
  readonly nowMs: () => number
  readonly signal: AbortSignal
  /** Asks the operation to finish the work that has begun, and to begin no more. */
  readonly drain: AbortSignal
  /** Receives rows when the caller asks for a format. The operation does not close it. */
  readonly output: Writable
  /** Receives notices that need no action. */
  readonly notice: (text: string) => void
  readonly onIngest: (progress: IngestProgress) => void
  readonly onTransfer: (counts: Readonly<RunCounts>) => void
}

export type AnyCounts = Readonly<Record<string, number>>

/** How an operation ended. `findings` and `errors` concern single objects; `result` is the answer, in values that JSON can carry. */
export type Outcome<Result, Counts extends AnyCounts = AnyCounts> = {
  readonly status: 'done' | 'done_with_findings' | 'failed'
  readonly counts: Counts
  readonly findings?: readonly Finding[]
  readonly errors?: readonly LakehouseError[]
  readonly result: Result
}

/** One thing that a user can ask for. `Item` is the type that the operation hands out while it runs, if any. */
export type Operation<
  Input extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
  Item = never,
  Counts extends AnyCounts = AnyCounts,
> = {
  /** A noun and a verb (`tables.list`), or a verb alone. */
  readonly id: string
  /** One line that says what the operation does. */
  readonly summary: string
  readonly permission: Permission
  readonly input: Input
  readonly result: Result
  /** An input that works on the demonstration lake. */
  readonly example: z.input<Input>
  /** Throws an error that concerns the whole call, by code. Calls `onItem` for each item of a list when it is found, also for items beyond those that the result lists. */
  run(context: OperationContext, input: z.output<Input>, onItem: (item: Item) => void): Promise<Outcome<z.output<Result>, Counts>>
}

/** Returns the operation with its types inferred. */
export function operation<Input extends z.ZodType, Result extends z.ZodType, Counts extends AnyCounts, Item = never>(
  one: Operation<Input, Result, Item, Counts>,
): Operation<Input, Result, Item, Counts> {
  return one
}

/** Runs an operation with an input that has not been checked. Throws USAGE with the key when the schema refuses the input. */
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
  throw new LakehouseError(
    'USAGE',
    `${id}: ${key === '' ? '' : `${key}: `}${issue?.message ?? 'the input does not match the schema of the operation'}`,
    {
      details: { operation: id, key },
    },
  )
}

/** The status of an outcome: done_with_findings when any finding is a warning or an error. */
export function statusOf(findings: readonly Finding[]): 'done' | 'done_with_findings' {
  return findings.some(({ severity }) => severity !== 'info') ? 'done_with_findings' : 'done'
}
