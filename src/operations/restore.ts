import * as z from 'zod'
import { operation } from './contract.ts'
import { dryRun, instant, place } from './schemas.ts'

export const restore = operation({
  id: 'restore',
  summary: 'Restore tables that are missing, unreadable or older than the backup, and the ledger',
  permission: 'write',
  input: z.strictObject({ source: place('read', 'address of the backup: a directory, s3://…, or NAME:prefix'), dryRun }),
  result: z.strictObject({
    madeAt: instant,
    items: z.array(z.strictObject({ table: z.string(), restored: z.boolean(), reason: z.string() })),
  }),
  example: { source: 'backups', dryRun: true },
  run: async (context, input) => {
    const { madeAt, outcomes, segments } = await (await context.lakehouse()).restore(input.source, input.dryRun)
    const tablesRestored = outcomes.filter((one) => one.restored).length
    const counts = { tablesRestored, tablesLeft: outcomes.length - tablesRestored, segmentsRestored: segments }
    return { status: 'done', counts, result: { madeAt, items: outcomes } }
  },
})
