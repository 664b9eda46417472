import { LakehouseError } from '../../core/errors.ts'
import { SEVERITIES } from '../../core/finding.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { findings as listFindings } from '../../operations/findings.ts'
import { findingsPage } from '../../pages/quality-page.ts'
import { type Command, type CommandContext, type CommandResult, list, resultOf } from '../command.ts'
import { findingLines } from '../findings.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { SELECTION_OPTIONS } from '../selection.ts'

export const findings: Command = {
  summary: 'List the findings of the last run of `quality`',
  operations: ['findings'],
  usage: '[TABLE …] [OPTIONS]',
  options: {
    check: { type: 'string', value: 'ID,…', help: 'rules: gap, ohlc, off_grid …' },
    severity: { type: 'string', value: 'S,…', help: SEVERITIES.join(', ') },
    symbols: SELECTION_OPTIONS.symbols,
    ...HTML_OPTION,
  },
  examples: ['crypto-lakehouse findings --severity error', `crypto-lakehouse findings ${EXAMPLE.hours} --check gap,off_grid --json`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const { args, values } = context
  const severities = list(values, 'severity').map((one) => {
    const severity = SEVERITIES.find((known) => known === one)
    if (severity === undefined) throw new LakehouseError('USAGE', `unknown severity "${one}": write one of ${SEVERITIES.join(', ')}`)
    return severity
  })
  const chosen = { tables: [...args], checks: list(values, 'check'), severities, symbols: list(values, 'symbols') }
  const outcome = await context.call(listFindings, chosen)
  const { items } = outcome.result
  if (!context.json) context.out(items.length === 0 ? 'No findings.\n' : `${findingLines(items).join('\n')}\n`)
  await writeHtml(context, (madeAt) => findingsPage(items, madeAt))
  return resultOf(outcome)
}
