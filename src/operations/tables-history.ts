import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { instant, snapshotId, table } from './schemas.ts'

export const tablesHistory = operation({
  id: 'tables.history',
  summary: 'List the current snapshots of a table over time, oldest first',
  permission: 'read',
  input: z.strictObject({ table }),
  result: z.strictObject({ items: z.array(z.strictObject({ time: instant, snapshotId, isAncestor: z.boolean() })) }),
  example: { table: EXAMPLE.minutes },
  run: (context, input) =>
    onTables(context, 'read', async (tables) => ({ status: 'done', counts: {}, result: { items: await tables.history(input.table) } })),
})
