import { LakehouseError } from '../../core/errors.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completion: Command = {
  summary: 'Print a shell completion script',
  usage: SHELLS.join('|'),
  options: {},
  examples: ['source <(crypto-lakehouse completion bash)'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const shell = SHELLS.find((name) => name === context.args[0])
  if (shell === undefined || context.args.length > 1)
    throw new LakehouseError('USAGE', `completion takes exactly one shell: ${SHELLS.join(', ')}`)
  const words = Object.entries(await context.commands()).map(([name, { options }]) => ({
    name,
    options: Object.keys(options).map((option) => `--${option}`),
  }))
  const script = scripts[shell](words)
  if (!context.json) context.out(script)
  return { status: 'done', body: { shell, script } }
}

type Words = readonly { readonly name: string; readonly options: readonly string[] }[]

const COMMON = '--lake --config --json --quiet --verbose --no-color --help'

const scripts: Readonly<Record<(typeof SHELLS)[number], (words: Words) => string>> = {
  bash: (words) => `_crypto_lakehouse() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then words="${words.map(({ name }) => name).join(' ')}"
  else
    case $command in
${words.map(({ name, options }) => `      ${name}) words="${[...options, COMMON].join(' ')}" ;;`).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _crypto_lakehouse crypto-lakehouse
`,
  zsh: (words) => `#compdef crypto-lakehouse
_crypto_lakehouse() {
  if (( CURRENT == 2 )); then compadd ${words.map(({ name }) => name).join(' ')}; return; fi
  case $words[2] in
${words.map(({ name, options }) => `    ${name}) compadd -- ${[...options, COMMON].join(' ')} ;;`).join('\n')}
  esac
  _files
}
compdef _crypto_lakehouse crypto-lakehouse
`,
  fish: (words) =>
    words
      .flatMap(({ name, options }) => [
        `complete -c crypto-lakehouse -n __fish_use_subcommand -a ${name}`,
        ...[...options, ...COMMON.split(' ')].map(
          (option) => `complete -c crypto-lakehouse -n "__fish_seen_subcommand_from ${name}" -l ${option.slice(2)}`,
        ),
      ])
      .join('\n')
      .concat('\n'),
}
