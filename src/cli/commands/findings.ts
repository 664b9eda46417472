import { LakehouseError } from '../../core/errors.ts'
import type { Finding, Severity } from '../../core/finding.ts'
import { findingsPage } from '../../pages/quality-page.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { type Command, type CommandContext, type CommandResult, list } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { findingLines } from '../findings.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { SELECTION_OPTIONS, symbolsSql } from '../selection.ts'

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info']

export const findings: Command = {
  summary: 'List what `quality` has found',
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
  const severities = list(context.values, 'severity')
  for (const one of severities)
    if (!SEVERITIES.some((known) => known === one))
      throw new LakehouseError('USAGE', `unknown severity "${one}": one of ${SEVERITIES.join(' ')}`)
  const among = (column: string, values: readonly string[]) =>
    values.length === 0 ? [] : [`${column} IN (${values.map(quote).join(', ')})`]
  const conditions = [
    ...among('table_name', context.args),
    ...among('check_id', list(context.values, 'check')),
    ...among('severity', severities),
    symbolsSql(context.values),
  ]
  const rows = await (await context.open()).show(
    `SELECT * FROM silver.findings WHERE ${conditions.join(' AND ')} ORDER BY table_name, symbol, from_time, check_id`,
    undefined,
  )
  const items = rows.map((row) => ({
    check: String(row['check_id']),
    severity: row['severity'] as Severity,
    table: String(row['table_name']),
    symbol: row['symbol'] as string | null,
    from: row['from_time'] as string | null,
    to: row['to_time'] as string | null,
    count: Number(row['row_count']),
    explanation: String(row['explanation']),
  })) satisfies Finding[]
  if (!context.json) context.out(items.length === 0 ? 'Nothing was found.\n' : `${findingLines(items).join('\n')}\n`)
  await writeHtml(context, (madeAt) => findingsPage(items, madeAt))
  const noticed = items.some(({ severity }) => severity !== 'info')
  return { status: noticed ? 'done_with_findings' : 'done', counts: { findings: items.length }, findings: items, body: { items } }
}
