import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { nothing, table } from './schemas.ts'

export const tablesUntag = operation({
  id: 'tables.untag',
  summary: 'Remove a tag or branch of a table',
  permission: 'write',
  input: z.strictObject({ table, tag: z.string().min(1) }),
  result: nothing,
  example: { table: EXAMPLE.minutes, tag: 'before-change' },
  run: (context, { table: name, tag }) =>
    onTables(context, 'write', async (tables) => {
      await tables.untag(name, tag)
      return { status: 'done', counts: {}, result: {} }
    }),
})
