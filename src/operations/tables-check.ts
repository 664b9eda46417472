import * as z from 'zod'
import { operation } from './contract.ts'
import { findingsOn } from './on-tables.ts'
import { nothing, table } from './schemas.ts'

export const tablesCheck = operation({
  id: 'tables.check',
  summary: 'Check that the metadata and the files of a table, or of every table, agree; deep: compare every file with its digest',
  permission: 'read',
  input: z.strictObject({ table: table.optional(), deep: z.boolean().default(false) }),
  result: nothing,
  example: { deep: true },
  run: (context, { table: name, deep }) => findingsOn(context, (tables) => tables.check(name, { deep })),
})
