import * as z from 'zod'
import { LAYERS } from '../lake/layout.ts'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { rowsFields, rowsResult } from './rows.ts'
import { asOf, boundTable } from './schemas.ts'

export const sql = z.string().min(1).describe('one statement that reads')

export const query = operation({
  id: 'query',
  summary: 'Run a SQL statement over the lake (read only)',
  permission: 'read',
  input: z.strictObject({
    sql,
    asOf: asOf.optional(),
    layer: z.enum(LAYERS).optional().describe('where tables are looked for that are named without a layer'),
    ...rowsFields,
  }),
  result: rowsResult.extend({ tables: z.array(boundTable).optional() }),
  example: { sql: `SELECT symbol, count(*) AS rows FROM ${EXAMPLE.minutes} GROUP BY symbol` },
  run: async (context, { sql: statement, asOf: at, layer, format, output }) => {
    const lakehouse = await context.lakehouse()
    if (format === undefined && output === undefined)
      return { status: 'done', counts: {}, result: { items: await lakehouse.show(statement, resolveAsOf(at)) } }
    const options = { format: format ?? 'table', output: output ?? context.output, asOf: resolveAsOf(at), layer }
    const tables = await lakehouse.query(statement, options)
    return { status: 'done', counts: {}, result: { output: output ?? null, tables } }
  },
})
