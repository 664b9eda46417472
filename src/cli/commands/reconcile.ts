import { EXAMPLE } from '../../operations/examples.ts'
import { reconcile as compare } from '../../operations/reconcile.ts'
import { reconciliationPage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'

export const reconcile: Command = {
  summary: 'Compare monthly files with daily ones, row by row, where the lake holds both',
  operations: ['reconcile'],
  usage: '[TABLE …] [OPTIONS]',
  options: HTML_OPTION,
  examples: [`crypto-lakehouse reconcile ${EXAMPLE.minutes} --json`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(compare, { tables: [...context.args] })
  const { items } = outcome.result
  if (!context.json) {
    const rows = items.map((item) => [
      item.table,
      item.symbol,
      item.month,
      item.days,
      item.equal,
      item.differing,
      item.onlyMonthly,
      item.onlyDaily,
      Object.entries(item.columns)
        .map(([name, differing]) => `${name} ${differing}`)
        .join(', '),
    ])
    if (rows.length === 0) context.out('No month is held both ways.\n')
    else
      context.out(
        `${textTable(['table', 'symbol', 'month', 'days', 'equal', 'differ', 'only monthly', 'only daily', 'columns'], rows)}\nThe monthly rows are in the table.\n`,
      )
  }
  await writeHtml(context, (madeAt) => reconciliationPage(items, madeAt))
  return resultOf(outcome)
}
