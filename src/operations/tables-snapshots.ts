import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { instant, snapshotId, table } from './schemas.ts'

const snapshot = z.strictObject({
  snapshotId,
  parentId: snapshotId.nullable(),
  time: instant,
  operation: z.string(),
  refs: z.array(z.string()),
  summary: z.record(z.string(), z.string()),
})

export const tablesSnapshots = operation({
  id: 'tables.snapshots',
  summary: 'List the snapshots of a table, oldest first',
  permission: 'read',
  input: z.strictObject({ table }),
  result: z.strictObject({ items: z.array(snapshot) }),
  example: { table: EXAMPLE.minutes },
  run: (context, input) =>
    onTables(context, 'read', async (tables) => ({ status: 'done', counts: {}, result: { items: await tables.snapshots(input.table) } })),
})
