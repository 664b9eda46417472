import * as z from 'zod'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { sql } from './query.ts'
import { asOf, boundTable } from './schemas.ts'

export const queryExplain = operation({
  id: 'query.explain',
  summary: 'Which files a statement would read, and why not the others; nothing is run',
  permission: 'read',
  input: z.strictObject({ sql, asOf: asOf.optional() }),
  result: z.strictObject({ items: z.array(boundTable) }),
  example: { sql: `SELECT * FROM ${EXAMPLE.minutes} WHERE symbol = '${EXAMPLE.symbol}'` },
  run: async (context, input) => {
    const items = await (await context.lakehouse()).explain(input.sql, resolveAsOf(input.asOf))
    return { status: 'done', counts: {}, result: { items } }
  },
})
