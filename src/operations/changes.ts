import * as z from 'zod'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { asOf, instant, table } from './schemas.ts'

const part = z.strictObject({
  partition: z.string(),
  change: z.enum(['added', 'removed', 'rewritten']),
  from: instant.nullable().describe('first time of the rows that changed'),
  to: instant.nullable().describe('last time of the rows that changed'),
  symbolFrom: z.string().nullable(),
  symbolTo: z.string().nullable(),
  rowsRemoved: z.number(),
  rowsAdded: z.number(),
})

export const changes = operation({
  id: 'changes',
  summary: 'List the rows of a table that a reader must read again since a snapshot, by partition; data files are not opened',
  permission: 'read',
  input: z.strictObject({ table, since: asOf }),
  result: z.strictObject({ table: z.string(), items: z.array(part) }),
  example: { table: EXAMPLE.minutes, since: 'before-change' },
  run: (context, { table: name, since }) =>
    onTables(context, 'read', async (tables) => {
      const items = await tables.changes(name, resolveAsOf(since))
      const sum = (of: (item: (typeof items)[number]) => number) => items.reduce((total, item) => total + of(item), 0)
      const counts = { partitions: items.length, rowsRemoved: sum((item) => item.rowsRemoved), rowsAdded: sum((item) => item.rowsAdded) }
      return { status: 'done', counts, result: { table: name, items } }
    }),
})
