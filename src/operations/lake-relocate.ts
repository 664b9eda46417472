import * as z from 'zod'
import { operation } from './contract.ts'
import { onTables } from './on-tables.ts'

export const lakeRelocate = operation({
  id: 'lake.relocate',
  summary: 'Rewrite the paths in the metadata of a lake that was moved or copied, so that other engines can read it',
  permission: 'write',
  input: z.strictObject({}),
  result: z.strictObject({ items: z.array(z.strictObject({ table: z.string(), snapshots: z.number() })) }),
  example: {},
  run: (context) =>
    onTables(context, 'write', async (tables) => {
      const items = await tables.relocate()
      const snapshots = items.reduce((sum, item) => sum + item.snapshots, 0)
      return { status: 'done', counts: { tables: items.filter((item) => item.snapshots > 0).length, snapshots }, result: { items } }
    }),
})
