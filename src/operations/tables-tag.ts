import * as z from 'zod'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { asOf, snapshotId, table } from './schemas.ts'

export const tablesTag = operation({
  id: 'tables.tag',
  summary: 'Tag a snapshot of a table, so that it stays and queries can name it',
  permission: 'write',
  input: z.strictObject({ table, tag: z.string().min(1), to: asOf.optional().describe('the snapshot; default: the current one') }),
  result: z.strictObject({ snapshotId }),
  example: { table: EXAMPLE.minutes, tag: 'before-change' },
  run: (context, { table: name, tag, to }) =>
    onTables(context, 'write', async (tables) => ({
      status: 'done',
      counts: {},
      result: { snapshotId: await tables.tag(name, tag, resolveAsOf(to)) },
    })),
})
