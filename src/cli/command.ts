import type * as z from 'zod'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { LakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { Lakehouse } from '../lakehouse/lakehouse.ts'
import type { AnyCounts, Operation, OperationContext, Outcome } from '../operations/contract.ts'
import type { OperationId } from '../operations/registry.ts'

/** An option of a command, as the parser and the help need it. */
export type OptionSpec = {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly value?: string
  readonly help: string
  readonly choices?: readonly string[]
}

export type Values = Readonly<Record<string, string | boolean | undefined>>

/** What a command wants to be told while an operation runs. */
type Hooks<Item> = Partial<Pick<OperationContext, 'notice' | 'onIngest' | 'onTransfer'>> & { readonly onItem?: (item: Item) => void }

/** What a command works with. Results go to `out`, everything else to `note`. */
export type CommandContext = {
  readonly args: readonly string[]
  readonly values: Values
  /** Every command there is, for those that tell of them. */
  commands(): Promise<Readonly<Record<string, Command>>>
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  readonly interactive: boolean
  readonly signal: AbortSignal
  /** Asks for an end after what is under way. */
  readonly drain: AbortSignal
  readonly nowMs: () => number
  readonly out: (text: string) => void
  readonly note: (text: string) => void
  loaded(): LoadedConfig
  open(change?: (config: Config) => Config): Promise<Lakehouse>
  /** Runs an operation. Throws USAGE for an input that it does not take, and what the operation throws. */
  call<Input extends z.ZodType, Result extends z.ZodType, Item, Counts extends AnyCounts>(
    operation: Operation<Input, Result, Item, Counts>,
    input: z.input<Input>,
    hooks?: Hooks<Item>,
  ): Promise<Outcome<z.output<Result>, Counts>>
}

/** How a command ended; `body` is what --json adds to the envelope. */
export type CommandResult = {
  readonly status: 'done' | 'done_with_findings' | 'failed' | 'interrupted'
  readonly counts?: Readonly<Record<string, number>>
  readonly findings?: readonly Finding[]
  readonly errors?: readonly LakehouseError[]
  readonly body?: Readonly<Record<string, unknown>>
}

export type Command = {
  readonly summary: string
  /** What it calls. */
  readonly operations?: readonly OperationId[]
  /** SIGTERM lets it end what is under way, instead of stopping it at once. */
  readonly drains?: boolean
  /** What follows the command's name. */
  readonly usage: string
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples?: readonly string[]
  run(context: CommandContext): Promise<CommandResult>
}

/** The outcome of an operation as the result of a command: what was asked for is the body. */
export function resultOf(outcome: Outcome<Readonly<Record<string, unknown>>>): CommandResult {
  const { result, ...rest } = outcome
  return { ...rest, body: result }
}

/** A string option, or undefined. */
export function text(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** The parts of a comma-separated option; none when it is absent. */
export function list(values: Values, name: string): string[] {
  return (text(values, name) ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
