import * as z from 'zod'
import { operation } from './contract.ts'
import { onTables } from './on-tables.ts'
import { nothing, table } from './schemas.ts'

export const tablesPublish = operation({
  id: 'tables.publish',
  summary: 'Makes a table, or every table, known to the catalogs of others again',
  permission: 'write',
  input: z.strictObject({ table: table.optional() }),
  result: nothing,
  example: {},
  run: (context, input) =>
    onTables(context, 'read', async (tables) => {
      const findings = await tables.publish(input.table)
      const status = findings.length === 0 ? 'done' : 'done_with_findings'
      return { status, findings, counts: { findings: findings.length }, result: {} }
    }),
})
