import * as z from 'zod'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { asOf, snapshotId, table } from './schemas.ts'

export const tablesRollback = operation({
  id: 'tables.rollback',
  summary: 'Make an earlier snapshot of a table the current one',
  permission: 'write',
  input: z.strictObject({ table, to: asOf }),
  result: z.strictObject({ snapshotId }),
  example: { table: EXAMPLE.minutes, to: 'before-change' },
  run: (context, { table: name, to }) =>
    onTables(context, 'write', async (tables) => ({
      status: 'done',
      counts: {},
      result: { snapshotId: await tables.rollback(name, resolveAsOf(to)) },
    })),
})
