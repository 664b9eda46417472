import * as z from 'zod'
import { operation } from './contract.ts'
import { onTables } from './on-tables.ts'

export const lakeTag = operation({
  id: 'lake.tag',
  summary: 'Tag the current snapshot of every table, so that a query can read all tables as they are now',
  permission: 'write',
  input: z.strictObject({ tag: z.string().min(1) }),
  result: z.strictObject({ items: z.array(z.string()) }),
  example: { tag: 'end-of-year' },
  run: (context, { tag }) =>
    onTables(context, 'write', async (tables) => {
      const items = await tables.tagAll(tag)
      return { status: 'done', counts: { tables: items.length }, result: { items } }
    }),
})
