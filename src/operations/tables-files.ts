import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { instant, table } from './schemas.ts'

const file = z.strictObject({
  path: z.string(),
  partition: z.string(),
  rows: z.number(),
  bytes: z.number(),
  sorted: z.boolean(),
  from: instant.nullable(),
  to: instant.nullable(),
})

export const tablesFiles = operation({
  id: 'tables.files',
  summary: 'List the data files of a table in the order of its partitions',
  permission: 'read',
  input: z.strictObject({ table }),
  result: z.strictObject({ items: z.array(file) }),
  example: { table: EXAMPLE.minutes },
  run: (context, input) =>
    onTables(context, 'read', async (tables) => ({ status: 'done', counts: {}, result: { items: await tables.files(input.table) } })),
})
