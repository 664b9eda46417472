import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { nothing, table } from './schemas.ts'

export const tablesCompact = operation({
  id: 'tables.compact',
  summary: 'Merge small or unsorted files of a partition, and move files to the right folder',
  permission: 'write',
  input: z.strictObject({ table }),
  result: nothing,
  example: { table: EXAMPLE.minutes },
  run: (context, input) =>
    onTables(context, 'write', async (tables) => ({ status: 'done', counts: { ...(await tables.compact(input.table)) }, result: {} })),
})
