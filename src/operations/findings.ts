import * as z from 'zod'
import { SEVERITIES } from '../core/finding.ts'
import { quote } from '../platform/duckdb/session.ts'
import { operation, statusOf } from './contract.ts'
import { finding, symbolGlobs } from './schemas.ts'
import { symbolsSql } from './selection.ts'

export const findings = operation({
  id: 'findings',
  summary: 'List the findings of the last quality assessment',
  permission: 'read',
  input: z.strictObject({
    tables: z.array(z.string()).default([]),
    checks: z.array(z.string()).default([]).describe('rules: gap, ohlc, off_grid …'),
    severities: z.array(z.enum(SEVERITIES)).default([]),
    symbols: symbolGlobs,
  }),
  result: z.strictObject({ items: z.array(finding) }),
  example: { severities: ['error'] },
  run: async (context, input) => {
    const among = (column: string, values: readonly string[]) =>
      values.length === 0 ? [] : [`${column} IN (${values.map(quote).join(', ')})`]
    const conditions = [
      ...among('table_name', input.tables),
      ...among('check_id', input.checks),
      ...among('severity', input.severities),
      symbolsSql(input.symbols),
    ]
    const rows = await (await context.lakehouse()).show(
      `SELECT check_id AS "check", severity, table_name AS "table", symbol, from_time AS "from", to_time AS "to", row_count AS "count", explanation
        FROM silver.findings WHERE ${conditions.join(' AND ')} ORDER BY table_name, symbol, from_time, check_id`,
      undefined,
    )
    const items = rows.map((row) => finding.parse({ ...row, count: Number(row['count']) }))
    return { status: statusOf(items), counts: { findings: items.length }, findings: items, result: { items } }
  },
})
