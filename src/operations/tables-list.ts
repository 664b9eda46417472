import * as z from 'zod'
import { operation } from './contract.ts'
import { onTables } from './on-tables.ts'
import { nothing, tableStatus } from './schemas.ts'

export const tablesList = operation({
  id: 'tables.list',
  summary: 'List every table with its rows, files, bytes and time range',
  permission: 'read',
  input: nothing,
  result: z.strictObject({ items: z.array(tableStatus) }),
  example: {},
  run: (context) => onTables(context, 'read', async (tables) => ({ status: 'done', counts: {}, result: { items: await tables.list() } })),
})
