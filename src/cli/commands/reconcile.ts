import { reconciliationPage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'

export const reconcile: Command = {
  summary: 'Compare monthly files with daily ones, row by row, where the lake holds both',
  usage: '[TABLE …] [OPTIONS]',
  options: HTML_OPTION,
  examples: [`crypto-lakehouse reconcile ${EXAMPLE.minutes} --json`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const items = await (await context.open()).withQuality(true, (quality) => quality.reconcile(context.args))
  const sum = (name: 'equal' | 'differing' | 'onlyMonthly' | 'onlyDaily') => items.reduce((total, item) => total + item[name], 0)
  const counts = {
    months: items.length,
    equal: sum('equal'),
    differing: sum('differing'),
    onlyMonthly: sum('onlyMonthly'),
    onlyDaily: sum('onlyDaily'),
  }
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
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
    ])
    if (rows.length === 0) context.out('No month is held both ways.\n')
    else
      context.out(
        `${textTable(['table', 'symbol', 'month', 'days', 'equal', 'differ', 'only monthly', 'only daily', 'columns'], rows)}\nThe monthly rows are in the table.\n`,
      )
  }
  await writeHtml(context, (madeAt) => reconciliationPage(items, madeAt))
  const differ = counts.differing + counts.onlyMonthly + counts.onlyDaily > 0
  return { status: differ ? 'done_with_findings' : 'done', counts, body: { items } }
}
