import * as z from 'zod'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { boundFields, given, sql } from './query.ts'
import { asOf, boundTable } from './schemas.ts'

export const queryExplain = operation({
  id: 'query.explain',
  summary: 'Show which files a statement would read and why it would skip the others, without running it',
  permission: 'read',
  input: z.strictObject({ sql, asOf: asOf.optional(), ...boundFields }),
  result: z.strictObject({ items: z.array(boundTable) }),
  example: { sql: `SELECT * FROM ${EXAMPLE.minutes} WHERE symbol = '${EXAMPLE.symbol}'` },
  run: async (context, { sql: statement, asOf: at, ...bounds }) => {
    const lakehouse = await context.lakehouse()
    const asked = { sql: statement, asOf: resolveAsOf(at), layer: undefined, result: 'explain', output: undefined } as const
    return { status: 'done', counts: {}, result: { items: (await lakehouse.queryIsolated({ ...asked, bounds: given(bounds) })).tables } }
  },
})
