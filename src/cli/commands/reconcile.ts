import { EXAMPLE } from '../../operations/examples.ts'
import { reconcile as compare } from '../../operations/reconcile.ts'
import { reconciliationPage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'

export const reconcile: Command = {
  summary: 'Compare monthly and daily files row by row, where both exist',
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
    if (rows.length === 0) context.out('The lake holds no month as both monthly and daily files.\n')
    else
      context.out(
        `${textTable(['table', 'symbol', 'month', 'days', 'equal', 'differ', 'only monthly', 'only daily', 'columns'], rows)}\nThe table keeps the monthly rows.\n`,
      )
  }
  await writeHtml(context, (madeAt) => reconciliationPage(items, madeAt))
  return resultOf(outcome)
}
