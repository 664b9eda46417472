import { LakehouseError } from '../../core/errors.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { reportAggregate } from '../../operations/report-aggregate.ts'
import { reportChart } from '../../operations/report-chart.ts'
import { reportList } from '../../operations/report-list.ts'
import { chartPage } from '../../pages/chart-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { count } from '../numbers.ts'
import { ROWS_OPTIONS, range, rows, SELECTION_OPTIONS } from '../selection.ts'

export const report: Command = {
  summary: 'Chart a symbol on an HTML page, or compute a market aggregate',
  operations: ['report.list', 'report.chart', 'report.aggregate'],
  usage: 'list | chart TABLE | AGGREGATE MARKET [OPTIONS]',
  options: {
    symbol: { type: 'string', value: 'S', help: 'chart: the symbol' },
    indicators: { type: 'string', value: 'SPEC', help: "chart: 'bollinger, rsi(14)'" },
    bars: { type: 'string', value: 'N', help: 'chart: at most N bars, the latest ones (default: 300)' },
    symbols: { type: 'string', value: 'GLOB', help: 'aggregates: symbols, with * and ? (default: all)' },
    options: { type: 'string', value: 'NAME=N,…', help: 'aggregates: interval=1m, options of `report list`' },
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    ...ROWS_OPTIONS,
    ...HTML_OPTION,
  },
  examples: [
    `crypto-lakehouse report chart ${EXAMPLE.hours} --symbol BTCUSDT --indicators 'bollinger, rsi(14)' --html btc.html`,
    "crypto-lakehouse report order_flow um --symbols 'BTC*' --options minutes=15 --format csv",
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const { args, values } = context
  const [verb = 'list', subject, ...more] = args
  if (verb === 'list' && subject === undefined) return await listed(context)
  if (subject === undefined || more.length > 0)
    throw new LakehouseError(
      'USAGE',
      'report takes a verb: report list, report chart TABLE --symbol S --html FILE, or report AGGREGATE MARKET',
    )
  if (verb === 'chart') return await chart(context, subject)
  const chosen = { symbols: text(values, 'symbols'), options: text(values, 'options'), ...range(values) }
  return resultOf(await context.call(reportAggregate, { aggregate: verb, market: subject, ...chosen, ...rows(context) }))
}

async function listed(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(reportList, {})
  if (!context.json) {
    const options = (some: Readonly<Record<string, number>>) =>
      Object.entries(some)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')
    const lines = outcome.result.items.map((one) => [one.id, options(one.options), one.inputs.join(', '), one.meaning])
    context.out(`${textTable(['aggregate', 'options', 'inputs', 'meaning'], lines)}\n`)
  }
  return resultOf(outcome)
}

async function chart(context: CommandContext, table: string): Promise<CommandResult> {
  const { values } = context
  const [symbol, html] = [text(values, 'symbol'), text(values, 'html')]
  if (symbol === undefined || html === undefined)
    throw new LakehouseError('USAGE', 'report chart needs --symbol S and --html FILE: add both')
  const chosen = { indicators: text(values, 'indicators'), bars: count(values, 'bars', 1), ...range(values) }
  const outcome = await context.call(reportChart, { table, symbol, ...chosen })
  const { from, to } = outcome.result
  await writeHtml(context, (madeAt) => chartPage({ ...outcome.result, madeAt }))
  const { bars, gaps, findings } = outcome.counts
  if (!context.json) context.out(`${html}: ${bars} bars, ${gaps} gaps, ${findings} findings\n`)
  return { ...resultOf(outcome), body: { table, symbol, from, to } }
}
