import type { Command, OptionSpec } from './command.ts'

/** The list of all commands. */
export function generalHelp(commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length))
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'Crypto market data as a lakehouse: verified, typed, queryable.',
    '',
    'Usage: crypto-lakehouse COMMAND [OPTIONS]',
    '',
    ...lines,
    '',
    'Run crypto-lakehouse help COMMAND to see the options of a command.',
  ].join('\n')
}

/** Usage, options and examples of one command. */
export function commandHelp(name: string, command: Command, common: Readonly<Record<string, OptionSpec>>): string {
  const own = optionLines(command.options)
  const examples = (command.examples ?? []).map((example) => `  ${example}`)
  return [
    `${command.summary}.`,
    '',
    `Usage: crypto-lakehouse ${name} ${command.usage}`.trimEnd(),
    ...(own.length === 0 ? [] : ['', 'Options:', ...own]),
    '',
    'Common options:',
    ...optionLines(common),
    ...(examples.length === 0 ? [] : ['', 'Examples:', ...examples]),
    '',
    'Exit codes: 0 done · 1 failed · 2 usage or configuration',
    '            3 done, with findings · 130 interrupted',
  ].join('\n')
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string[] {
  const left = Object.entries(options).map(
    ([name, { short, value }]) => `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
  )
  const width = Math.max(0, ...left.map((text) => text.length))
  return Object.values(options).map(
    ({ help, choices }, index) =>
      `  ${(left[index] ?? '').padEnd(width)}  ${help}${choices === undefined ? '' : ` (${choices.join(', ')})`}`,
  )
}
