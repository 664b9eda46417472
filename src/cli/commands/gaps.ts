import { textTable } from '../../query/text-table.ts'
import { CAUSES } from '../../silver/gaps/causes.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { parseSelection, SELECTION_OPTIONS, symbolsSql } from '../selection.ts'

/** So many gaps are handed out of one table. */
const LISTED = 10_000

/** So many lines are shown. */
const SHOWN = 40

export const gaps: Command = {
  summary: 'What is missing in the silver tables, and why',
  usage: '[TABLE …] [OPTIONS]',
  options: { symbols: SELECTION_OPTIONS.symbols, from: SELECTION_OPTIONS.from, to: SELECTION_OPTIONS.to },
  examples: [
    'crypto-lakehouse gaps silver.binance_spot_klines_1h',
    'crypto-lakehouse gaps --symbols BTCUSDT --from 2018-01-01 --to 2019-01-01 --json',
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const { range } = parseSelection(context.values, context.nowMs())
  const house = await context.open()
  const reports = await house.withQuality(false, (lake) =>
    lake.gaps(context.args, { range, symbols: symbolsSql(context.values), limit: LISTED }),
  )
  const items = [...reports.values()].flatMap((report) => report.gaps)
  const sum = (of: (report: { totalGaps: number; totalMissingPeriods: number }) => number) =>
    [...reports.values()].reduce((total, report) => total + of(report), 0)
  const counts = { totalGaps: sum((report) => report.totalGaps), totalMissingPeriods: sum((report) => report.totalMissingPeriods) }
  const tables = [...reports].map(([table, { gaps: _gaps, ...totals }]) => ({ table, ...totals }))
  if (!context.json) {
    const rows = items
      .slice(0, SHOWN)
      .map((gap) => [gap.table, gap.symbol, gap.gapStart, gap.gapEnd, gap.missingPeriods, gap.cause, gap.evidence])
    if (rows.length > 0) context.out(`${textTable(['table', 'symbol', 'from', 'to', 'missing', 'cause', 'evidence'], rows)}\n`)
    if (items.length > SHOWN) context.out(`… and ${counts.totalGaps - SHOWN} more: --json lists them\n`)
    context.out(`${counts.totalGaps} gaps, ${counts.totalMissingPeriods} rows missing\n`)
    for (const cause of new Set(items.map((gap) => gap.cause)))
      context.out(`  ${cause}: ${CAUSES[cause].meaning}; ${CAUSES[cause].remedy}\n`)
  }
  const isMissing = items.some(({ cause }) => cause !== 'not_listed' && cause !== 'delisted')
  return { status: isMissing ? 'done_with_findings' : 'done', counts, body: { items, tables } }
}
