import { EXAMPLE } from '../../operations/examples.ts'
import { quality as assess } from '../../operations/quality.ts'
import { qualityPage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { DIMENSIONS } from '../../silver/quality/checks/check.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { findingLines } from '../findings.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'

export const quality: Command = {
  summary: 'Check the silver tables against every rule, and score them',
  operations: ['quality'],
  usage: '[TABLE …] [OPTIONS]',
  options: HTML_OPTION,
  examples: ['crypto-lakehouse quality --html quality.html', `crypto-lakehouse quality 'silver.${EXAMPLE.exchange}_*' --json`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(assess, { tables: [...context.args], days: text(context.values, 'html') !== undefined })
  const { findings = [] } = outcome
  const { items, days = [] } = outcome.result
  if (!context.json) {
    const share = (value: number | null) => (value === null ? '–' : value.toFixed(4))
    const rows = items.map((item) => [
      item.table,
      item.rows,
      item.days,
      item.score === null ? '–' : item.score.toFixed(2),
      ...DIMENSIONS.map((part) => share(item.parts[part])),
    ])
    context.out(`${textTable(['table', 'rows', 'days', 'score', ...DIMENSIONS], rows)}\n`)
    const lines = findingLines(findings)
    if (lines.length > 0) context.out(`\n${lines.join('\n')}\n`)
  }
  await writeHtml(context, (madeAt) => qualityPage(items, days, findings, madeAt))
  return { ...resultOf(outcome), body: { items } }
}
