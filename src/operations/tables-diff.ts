import * as z from 'zod'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { asOf, row, table } from './schemas.ts'

const changed = z.strictObject({ change: z.enum(['added', 'removed', 'changed']), row })

export const tablesDiff = operation({
  id: 'tables.diff',
  summary: 'List the rows that differ between two snapshots of a table',
  permission: 'read',
  input: z.strictObject({
    table,
    from: asOf,
    to: asOf.optional().describe('default: the current snapshot'),
    limit: z.number().int().min(0).default(100).describe('maximum number of listed rows; all rows are counted'),
  }),
  result: z.strictObject({ items: z.array(changed) }),
  example: { table: EXAMPLE.minutes, from: 'before-change' },
  run: (context, { table: name, from, to, limit }) =>
    onTables(context, 'read', async (tables) => {
      const { diff, rows } = await tables.diff(name, resolveAsOf(from), resolveAsOf(to), limit)
      return { status: 'done', counts: { ...diff, rowsChanged: diff.rowsChanged ?? 0 }, result: { items: rows } }
    }),
})
