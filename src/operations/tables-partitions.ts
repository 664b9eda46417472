import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { instant, table } from './schemas.ts'

const partition = z.strictObject({
  partition: z.string(),
  files: z.number(),
  rows: z.number(),
  bytes: z.number(),
  from: instant.nullable(),
  to: instant.nullable(),
})

export const tablesPartitions = operation({
  id: 'tables.partitions',
  summary: 'List the partitions of a table with their files, rows and bytes',
  permission: 'read',
  input: z.strictObject({ table }),
  result: z.strictObject({ items: z.array(partition) }),
  example: { table: EXAMPLE.minutes },
  run: (context, input) =>
    onTables(context, 'read', async (tables) => ({ status: 'done', counts: {}, result: { items: await tables.partitions(input.table) } })),
})
