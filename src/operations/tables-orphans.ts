import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { dryRun, table } from './schemas.ts'

const USUAL_MS = 3 * 86_400_000

export const tablesOrphans = operation({
  id: 'tables.orphans',
  summary: 'Remove files of a table that no snapshot references',
  permission: 'write',
  input: z.strictObject({ table, olderThanMs: z.number().min(0).default(USUAL_MS).describe('minimum age of a file'), dryRun }),
  result: z.strictObject({ items: z.array(z.strictObject({ key: z.string(), bytes: z.number() })) }),
  example: { table: EXAMPLE.minutes, dryRun: true },
  run: (context, input) =>
    onTables(context, 'write', async (tables) => {
      const items = await tables.orphans(input.table, { beforeMs: context.nowMs() - input.olderThanMs, dryRun: input.dryRun })
      const bytesRemoved = items.reduce((sum, one) => sum + one.bytes, 0)
      return { status: 'done', counts: { filesRemoved: items.length, bytesRemoved }, result: { items } }
    }),
})
