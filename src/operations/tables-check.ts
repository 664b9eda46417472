import * as z from 'zod'
import { operation } from './contract.ts'
import { onTables } from './on-tables.ts'
import { nothing, table } from './schemas.ts'

export const tablesCheck = operation({
  id: 'tables.check',
  summary: 'Holds what the metadata of a table, or of every table, says against its files',
  permission: 'read',
  input: z.strictObject({ table: table.optional() }),
  result: nothing,
  example: {},
  run: (context, input) =>
    onTables(context, 'read', async (tables) => {
      const findings = await tables.check(input.table)
      const status = findings.length === 0 ? 'done' : 'done_with_findings'
      return { status, findings, counts: { findings: findings.length }, result: {} }
    }),
})
