import { recommendations } from '../../lakehouse/quality.ts'
import { type DayScore, qualityPage } from '../../pages/quality-page.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { DIMENSIONS } from '../../silver/quality/checks/check.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { findingLines } from '../findings.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'

export const quality: Command = {
  summary: 'Hold every rule against the silver tables, and score them',
  usage: '[TABLE …] [OPTIONS]',
  options: HTML_OPTION,
  examples: ['crypto-lakehouse quality --html quality.html', `crypto-lakehouse quality 'silver.${EXAMPLE.exchange}_*' --json`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const house = await context.open()
  const [items, besides] = await house.withQuality(true, async (lake) => [await lake.assess(context.args), lake.findings] as const)
  const advice = recommendations(items, house.config.quality)
  const findings = [...advice, ...besides, ...items.flatMap((item) => item.findings)]
  if (!context.json) {
    const share = (value: number | null) => (value === null ? '–' : value.toFixed(4))
    const rows = items.map(({ table, rows, days, score, parts }) => [
      table,
      rows,
      days,
      score === null ? '–' : score.toFixed(2),
      ...DIMENSIONS.map((part) => share(parts[part])),
    ])
    context.out(`${textTable(['table', 'rows', 'days', 'score', ...DIMENSIONS], rows)}\n`)
    const lines = findingLines(findings)
    if (lines.length > 0) context.out(`\n${lines.join('\n')}\n`)
  }
  await writeHtml(context, async (madeAt) => {
    const names = items.map(({ table }) => quote(table)).join(', ')
    const days = await house.show(
      `SELECT table_name AS "table", symbol, day::VARCHAR AS day, score FROM silver.quality WHERE table_name IN (${names || "''"}) ORDER BY ALL`,
      undefined,
    )
    return qualityPage(items, days as unknown as readonly DayScore[], findings, madeAt)
  })
  const noticed = findings.some(({ severity }) => severity !== 'info')
  const totals = { tables: items.length, rows: items.reduce((sum, { rows }) => sum + rows, 0), findings: findings.length }
  const bare = items.map(({ findings: _findings, ...item }) => item)
  return { status: noticed ? 'done_with_findings' : 'done', counts: totals, findings, body: { items: bare } }
}
