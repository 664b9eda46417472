import { LakehouseError } from '../../core/errors.ts'
import { gapsPage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { CAUSES } from '../../silver/gaps/causes.ts'
import type { FillReport } from '../../silver/gaps/fill-gaps.ts'
import { FILL_METHODS } from '../../silver/gaps/fill-methods.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { formatBytes } from '../format.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { parseSelection, SELECTION_OPTIONS, symbolsSql } from '../selection.ts'

/** So many gaps are handed out of one table. */
const LISTED = 10_000

/** So many lines are shown. */
const SHOWN = 40

export const gaps: Command = {
  summary: 'What is missing in the silver tables, why, and how it can be filled',
  usage: '[TABLE …] [OPTIONS]',
  options: {
    symbols: SELECTION_OPTIONS.symbols,
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    plan: { type: 'boolean', help: 'show how each gap can be filled, and at what cost' },
    fill: { type: 'boolean', help: 'fill what other tables of the lake can fill; the rows say so in their source' },
    synthetic: { type: 'boolean', help: 'with --plan or --fill: also carry the last close on, without volume, where nothing else is had' },
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
  const { values } = context
  const { range } = parseSelection(values, context.nowMs())
  const [write, synthetic] = [values['fill'] === true, values['synthetic'] === true]
  if (synthetic && !write && values['plan'] !== true) throw new LakehouseError('USAGE', '--synthetic belongs to --plan or --fill')
  const house = await context.open()
  const select = { range, symbols: symbolsSql(values), limit: LISTED }
  const fills =
    write || values['plan'] === true
      ? await house.withQuality(write, (lake) => lake.fillGaps(context.args, { ...select, write, synthetic }))
      : undefined
  // What was filled is no gap any more.
  const reports = await house.withQuality(false, (lake) => lake.gaps(context.args, select))
  const items = [...reports.values()].flatMap((report) => report.gaps)
  const sum = (of: (report: { totalGaps: number; totalMissingPeriods: number }) => number) =>
    [...reports.values()].reduce((total, report) => total + of(report), 0)
  const counts = { totalGaps: sum((report) => report.totalGaps), totalMissingPeriods: sum((report) => report.totalMissingPeriods) }
  const tables = [...reports].map(([table, { gaps: _gaps, ...totals }]) => ({ table, ...totals }))
  if (!context.json) {
    if (fills !== undefined) context.out(fillText(fills))
    const rows = items
      .slice(0, SHOWN)
      .map((gap) => [gap.table, gap.symbol, gap.gapStart, gap.gapEnd, gap.missingPeriods, gap.cause, gap.evidence])
    if (rows.length > 0) context.out(`${textTable(['table', 'symbol', 'from', 'to', 'missing', 'cause', 'evidence'], rows)}\n`)
    if (items.length > SHOWN) context.out(`… and ${counts.totalGaps - SHOWN} more: --json lists them\n`)
    context.out(`${counts.totalGaps} gaps, ${counts.totalMissingPeriods} rows missing\n`)
    for (const cause of new Set(items.map((gap) => gap.cause)))
      context.out(`  ${cause}: ${CAUSES[cause].meaning}; ${CAUSES[cause].remedy}\n`)
  }
  await writeHtml(context, async (madeAt) => {
    const days = await house.withQuality(false, (lake) => lake.coverage(context.args, select.symbols))
    return gapsPage(reports, days, madeAt)
  })
  const isMissing = items.some(({ cause }) => cause !== 'not_listed' && cause !== 'delisted' && cause !== 'no_trades')
  const filled = fills === undefined ? {} : fillCounts(fills)
  const body = fills === undefined ? { items, tables } : { items, tables, fills: fills.flatMap(({ steps }) => steps) }
  return { status: isMissing ? 'done_with_findings' : 'done', counts: { ...counts, ...filled }, body }
}

function fillCounts(fills: readonly FillReport[]): Record<string, number> {
  const steps = fills.flatMap((report) => report.steps)
  const rows = (status: string) => steps.reduce((sum, one) => sum + (one.status === status ? one.rows : 0), 0)
  return {
    rowsFilled: rows('filled'),
    rowsFillable: rows('planned'),
    rowsOpen: rows('open'),
    rowsUnfillable: rows('unfillable'),
    requests: steps.reduce((sum, one) => sum + one.requests, 0),
    bytesRead: fills.reduce((sum, one) => sum + one.bytesRead, 0),
  }
}

function fillText(fills: readonly FillReport[]): string {
  const steps = fills.flatMap((report) => report.steps)
  const { bytesRead = 0, requests = 0 } = fillCounts(fills)
  const rows = steps.slice(0, SHOWN).map((one) => [one.table, one.symbol, one.gapStart, one.rows, one.method, one.source ?? '', one.status])
  const table = rows.length === 0 ? '' : `${textTable(['table', 'symbol', 'gap', 'rows', 'method', 'source', 'status'], rows)}\n`
  const more = steps.length > SHOWN ? `… and ${steps.length - SHOWN} more: --json lists them\n` : ''
  const methods = [...new Set(steps.map(({ method }) => method))].map((method) => `  ${method}: ${FILL_METHODS[method]}\n`)
  return `${table}${more}${methods.join('')}${formatBytes(bytesRead)} of tables read; ${requests} requests for what the interface may have\n\n`
}
