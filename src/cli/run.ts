import { parseArgs } from 'node:util'
import { loadConfig } from '../config/load.ts'
import { asLakehouseError, ERROR_CODES, LakehouseError, systemCode } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import { formatInstant } from '../core/time.ts'
import { operationContext } from '../operations/context.ts'
import { call } from '../operations/contract.ts'
import { type Host, hostOf } from '../platform/host.ts'
import type { Command, CommandContext, CommandResult, OptionSpec, Values } from './command.ts'
import { allCommands, findCommand } from './commands/registry.ts'
import { exitCodeOf, exitCodeOfError } from './exit-code.ts'
import { commandHelp, generalHelp } from './help.ts'
import { asTyped, programName } from './program.ts'

/** Rewrites the commands in a text so that they can be typed in this folder. */
const typed = (text: string) => printable(asTyped(text, programName(import.meta.dirname, process.cwd(), hostOf().environment)))

/** The same, with the colours of charts. */
const withColors = (text: string) =>
  text
    .split(COLORS)
    .map((part, index) => (index % 2 === 0 ? typed(part) : part))
    .join('')

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are written so
const COLORS = /(\x1b\[(?:0|31|32)m)/

/** Options that every command takes. */
const COMMON_OPTIONS = {
  lake: { type: 'string', value: 'DIR', help: 'address of the lake (LAKEHOUSE_LAKE, default: ./lakehouse)' },
  config: { type: 'string', value: 'FILE', help: 'configuration file (default: lakehouse.yaml if it exists)' },
  json: { type: 'boolean', help: 'print one JSON object' },
  quiet: { type: 'boolean', short: 'q', help: 'print no progress and no notes' },
  verbose: { type: 'boolean', short: 'v', help: 'report retries and the causes of errors' },
  'no-color': { type: 'boolean', help: 'print no colours (also NO_COLOR)' },
  help: { type: 'boolean', short: 'h', help: 'print this help' },
} as const satisfies Record<string, OptionSpec>

/** Signals to a command: `abort` stops it at once, `drain` lets it finish the work that has begun. A command that supports `drain` calls `onDrains`. */
export type Signals = { readonly abort: AbortSignal; readonly drain: AbortSignal; readonly onDrains: () => void }

/** Runs one command line and returns the exit code. */
export async function run(argv: readonly string[], signals: Signals): Promise<number> {
  const signal = signals.abort
  const host = hostOf({ signal })
  const startedMs = host.nowMs()
  const { common, name, rest } = splitVerb(argv)
  const json = argv.includes('--json')
  try {
    if (['help', '--help', '-h'].includes(name)) return await help(rest[0])
    const command = await findCommand(name === '--version' ? 'version' : name)
    const { values, positionals } = parse(command, [...common, ...rest])
    if (values['help'] === true) return await help(name)
    if (positionals.length > 0 && !/^\[?(?!OPTIONS)[A-Za-z]/.test(command.usage))
      throw new LakehouseError('USAGE', `${name} takes no arguments: remove "${positionals[0]}"`)
    if (command.drains === true) signals.onDrains()
    const result = await command.run(contextFor(values, positionals, signals, host))
    if (json) printEnvelope(name, result, { startedMs, endedMs: host.nowMs() })
    return exitCodeOf(result)
  } catch (error) {
    if (systemCode(signal.reason) === 'EPIPE') return 0
    return fail(
      name,
      signal.aborted
        ? new LakehouseError('INTERRUPTED', `${name} was interrupted: run it again`, { cause: error })
        : asLakehouseError(error),
      {
        json,
        verbose: argv.includes('--verbose') || argv.includes('-v'),
        times: { startedMs, endedMs: host.nowMs() },
      },
    )
  }
}

/** Splits the arguments: the common options before the command, its name, and the arguments after it. */
function splitVerb(argv: readonly string[]): { common: string[]; name: string; rest: string[] } {
  const specs: Readonly<Record<string, OptionSpec>> = COMMON_OPTIONS
  let at = 0
  for (let word = argv[at]; word?.startsWith('-') === true && !['--help', '-h', '--version'].includes(word); word = argv[at]) {
    const takesValue = word.startsWith('--') && !word.includes('=') && specs[word.slice(2)]?.type === 'string'
    at += takesValue ? 2 : 1
  }
  return { common: argv.slice(0, at), name: argv[at] ?? 'help', rest: argv.slice(at + 1) }
}

async function help(name: string | undefined): Promise<number> {
  process.stdout.write(`${await helpText(name)}\n`)
  return 0
}

/** The text that `help` prints: all commands, or the usage, options and examples of one. Throws USAGE. */
export async function helpText(name?: string): Promise<string> {
  return name === undefined ? generalHelp(await allCommands()) : commandHelp(name, await findCommand(name), COMMON_OPTIONS)
}

function parse(command: Command, args: readonly string[]): { values: Values; positionals: string[] } {
  const specs: Record<string, OptionSpec> = { ...COMMON_OPTIONS, ...command.options }
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
  )
  let parsed: { values: Values; positionals: string[] }
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new LakehouseError('USAGE', error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error), {
      cause: error,
    })
  }
  for (const [name, { choices }] of Object.entries(specs)) {
    const value = parsed.values[name]
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value))
      throw new LakehouseError('USAGE', `--${name} "${value}" is not valid: write one of ${choices.join(', ')}`)
  }
  return parsed
}

function contextFor(values: Values, args: readonly string[], { abort: signal, drain }: Signals, host: Host): CommandContext {
  const quiet = values['quiet'] === true
  const string = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined)
  const loaded = () =>
    loadConfig({
      flags: { lake: string('lake') },
      environment: host.environment,
      file: string('config') ?? host.environment['LAKEHOUSE_CONFIG'],
    })
  const color = process.stdout.isTTY === true && values['no-color'] !== true && (host.environment['NO_COLOR'] ?? '') === ''
  const out = (text: string) => void process.stdout.write(color ? withColors(text) : typed(text))
  const note = (text: string) => void (quiet || process.stderr.write(typed(text)))
  const notice = (text: string) => (values['verbose'] === true ? note(`${text}\n`) : undefined)
  const operations = operationContext(loaded, host, { drain, output: process.stdout, notice })
  return {
    args,
    values,
    commands: allCommands,
    json: values['json'] === true,
    quiet,
    verbose: values['verbose'] === true,
    color,
    interactive: process.stderr.isTTY === true && !quiet && values['json'] !== true,
    signal,
    drain,
    nowMs: host.nowMs,
    out,
    note,
    loaded,
    open: operations.lakehouse,
    call: (operation, input, { onItem, ...hooks } = {}) => call(operation, { ...operations, ...hooks }, input, onItem),
  }
}

/** What a command prints that a signal has ended before it could print anything itself. */
export function interruption(argv: readonly string[]): { out: string; err: string } {
  const { name } = splitVerb(argv)
  const error = new LakehouseError('INTERRUPTED', `${name} was interrupted: run it again`)
  if (!argv.includes('--json')) return { out: '', err: typed(`crypto-lakehouse: ${error.message} (${error.code})\n`) }
  const nowMs = hostOf().nowMs()
  return { out: envelopeText(name, { status: 'interrupted', errors: [error] }, { startedMs: nowMs, endedMs: nowMs }), err: '' }
}

type Times = { readonly startedMs: number; readonly endedMs: number }

function envelopeText(command: string, result: CommandResult, { startedMs, endedMs }: Times): string {
  const { status, counts = {}, findings = [], errors = [], body = {} } = result
  const failures = errors.map(({ code, message, details }) => ({ code, message, details }))
  const envelope = {
    command,
    status,
    startedAt: formatInstant(startedMs * 1000),
    durationMs: endedMs - startedMs,
    counts,
    findings,
    errors: failures,
    ...body,
  }
  return `${JSON.stringify(envelope, undefined, 2)}\n`
}

function printEnvelope(command: string, result: CommandResult, times: Times): void {
  process.stdout.write(envelopeText(command, result, times))
}

function fail(command: string, error: LakehouseError, options: { json: boolean; verbose: boolean; times: Times }): number {
  const status = error.code === 'INTERRUPTED' ? 'interrupted' : 'failed'
  if (options.json) printEnvelope(command, { status, errors: [error] }, options.times)
  else {
    process.stderr.write(typed(`crypto-lakehouse: ${error.message} (${error.code})\n`))
    if (status === 'failed' && error.code !== 'USAGE') process.stderr.write(typed(`  ${ERROR_CODES[error.code].remedy}\n`))
    if (options.verbose && error.stack !== undefined) process.stderr.write(`${error.stack}\n`)
  }
  return exitCodeOfError(error)
}
