import * as z from 'zod'
import { operation } from './contract.ts'
import { dryRun, instant, place } from './schemas.ts'

export const restore = operation({
  id: 'restore',
  summary: 'Bring back tables and ledger from a backup: what is missing, unreadable or older',
  permission: 'write',
  input: z.strictObject({ source: place('read', 'where the backup lies: a directory, s3://…, or NAME:prefix'), dryRun }),
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
