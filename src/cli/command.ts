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

/** What an operation reports to a command while it runs. */
type Hooks<Item> = Partial<Pick<OperationContext, 'notice' | 'onIngest' | 'onTransfer'>> & { readonly onItem?: (item: Item) => void }

/** What a command works with. Results go to `out`, everything else to `note`. */
export type CommandContext = {
  readonly args: readonly string[]
  readonly values: Values
  /** Every command, for commands that describe the others. */
  commands(): Promise<Readonly<Record<string, Command>>>
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  readonly interactive: boolean
  readonly signal: AbortSignal
  /** Asks the command to finish the work that has begun, and to begin no more. */
  readonly drain: AbortSignal
  readonly nowMs: () => number
  readonly out: (text: string) => void
  readonly note: (text: string) => void
  loaded(): LoadedConfig
  open(change?: (config: Config) => Config): Promise<Lakehouse>
  /** Runs an operation. Throws USAGE when the input is not valid, and whatever the operation throws. */
  call<Input extends z.ZodType, Result extends z.ZodType, Item, Counts extends AnyCounts>(
    operation: Operation<Input, Result, Item, Counts>,
    input: z.input<Input>,
    hooks?: Hooks<Item>,
  ): Promise<Outcome<z.output<Result>, Counts>>
}

/** How a command ended. --json adds the keys of `body` to the envelope. */
export type CommandResult = {
  readonly status: 'done' | 'done_with_findings' | 'failed' | 'interrupted'
  readonly counts?: Readonly<Record<string, number>>
  readonly findings?: readonly Finding[]
  readonly errors?: readonly LakehouseError[]
  readonly body?: Readonly<Record<string, unknown>>
}

export type Command = {
  readonly summary: string
  /** The operations that the command calls. */
  readonly operations?: readonly OperationId[]
  /** SIGTERM lets the command finish the work that has begun, instead of stopping it at once. */
  readonly drains?: boolean
  /** The arguments after the command's name. */
  readonly usage: string
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples?: readonly string[]
  run(context: CommandContext): Promise<CommandResult>
}

/** Turns the outcome of an operation into the result of a command: the operation's result becomes the body. */
export function resultOf(outcome: Outcome<Readonly<Record<string, unknown>>>): CommandResult {
  const { result, ...rest } = outcome
  return { ...rest, body: result }
}

/** A string option, or undefined. */
export function text(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** The parts of a comma-separated option; an empty list when the option is absent. */
export function list(values: Values, name: string): string[] {
  return (text(values, name) ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
