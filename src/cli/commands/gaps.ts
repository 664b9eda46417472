import { LakehouseError } from '../../core/errors.ts'
import { formatBytes } from '../../core/format.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { gaps as findGaps } from '../../operations/gaps.ts'
import { gapsFill } from '../../operations/gaps-fill.ts'
import { gapsPage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { CAUSES } from '../../silver/gaps/causes.ts'
import { FILL_METHODS } from '../../silver/gaps/fill-methods.ts'
import { type Command, type CommandContext, type CommandResult, list, text } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { range, SELECTION_OPTIONS } from '../selection.ts'

/** At most this many lines are printed. */
const SHOWN = 40

export const gaps: Command = {
  summary: 'List gaps in the silver tables, with causes, and fill them',
  operations: ['gaps', 'gaps.fill'],
  usage: '[TABLE …] [OPTIONS]',
  options: {
    symbols: SELECTION_OPTIONS.symbols,
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    plan: { type: 'boolean', help: 'show how each gap can be filled, and the cost' },
    fill: { type: 'boolean', help: 'fill gaps from other tables; `source` marks the new rows' },
    synthetic: { type: 'boolean', help: 'plan, fill: else repeat the last close, without volume' },
    ...HTML_OPTION,
  },
  examples: [
    `crypto-lakehouse gaps ${EXAMPLE.hours} --html gaps.html`,
    'crypto-lakehouse gaps --symbols BTCUSDT --from 2018-01-01 --to 2019-01-01 --json',
    `crypto-lakehouse gaps ${EXAMPLE.fiveMinutes} --fill`,
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const { args, values } = context
  const [fill, plan, synthetic] = [values['fill'] === true, values['plan'] === true, values['synthetic'] === true]
  if (synthetic && !fill && !plan) throw new LakehouseError('USAGE', '--synthetic needs --plan or --fill: add one of them')
  const chosen = { tables: [...args], symbols: list(values, 'symbols'), ...range(values) }
  const filled = fill || plan ? await context.call(gapsFill, { ...chosen, synthetic, dryRun: !fill }) : undefined
  // Find the gaps after filling, so that filled ones are not listed.
  const found = await context.call(findGaps, { ...chosen, coverage: text(values, 'html') !== undefined })
  const { items, tables, coverage = [] } = found.result
  const counts = { ...found.counts, ...filled?.counts }
  if (!context.json) {
    if (filled !== undefined) context.out(fillText(filled.result.fills, counts))
    context.out(gapText(items, counts))
  }
  await writeHtml(context, (madeAt) => gapsPage(items, coverage, madeAt))
  const findings = filled?.findings ?? []
  const status = findings.length > 0 ? 'done_with_findings' : found.status
  return { status, counts, findings, body: { items, tables, ...filled?.result } }
}

type Counts = Readonly<Record<string, number>>

function gapText(
  items: Awaited<ReturnType<typeof findGaps.run>>['result']['items'],
  { totalGaps = 0, totalMissingPeriods = 0 }: Counts,
): string {
  const rows = items
    .slice(0, SHOWN)
    .map((gap) => [gap.table, gap.symbol, gap.gapStart, gap.gapEnd, gap.missingPeriods, gap.cause, gap.evidence])
  const table = rows.length === 0 ? '' : `${textTable(['table', 'symbol', 'from', 'to', 'missing', 'cause', 'evidence'], rows)}\n`
  const more = items.length > SHOWN ? `… and ${totalGaps - SHOWN} more: --json lists them\n` : ''
  const causes = [...new Set(items.map((gap) => gap.cause))].map((one) => `  ${one}: ${CAUSES[one].meaning}; ${CAUSES[one].remedy}\n`)
  return `${table}${more}${totalGaps} gaps, ${totalMissingPeriods} rows missing\n${causes.join('')}`
}

function fillText(steps: Awaited<ReturnType<typeof gapsFill.run>>['result']['fills'], { bytesRead = 0, requests = 0 }: Counts): string {
  const rows = steps.slice(0, SHOWN).map((one) => [one.table, one.symbol, one.gapStart, one.rows, one.method, one.source ?? '', one.status])
  const table = rows.length === 0 ? '' : `${textTable(['table', 'symbol', 'gap', 'rows', 'method', 'source', 'status'], rows)}\n`
  const more = steps.length > SHOWN ? `… and ${steps.length - SHOWN} more: --json lists them\n` : ''
  const methods = [...new Set(steps.map(({ method }) => method))].map((method) => `  ${method}: ${FILL_METHODS[method]}\n`)
  return `${table}${more}${methods.join('')}${formatBytes(bytesRead)} of tables read; ${requests} requests needed for the gaps that the API may fill\n\n`
}
