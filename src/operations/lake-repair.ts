import * as z from 'zod'
import { operation, statusOf } from './contract.ts'
import { dryRun, place } from './schemas.ts'
import { archiveAt, selectionFields } from './selection.ts'

export const lakeRepair = operation({
  id: 'lake.repair',
  summary: 'Find damaged files, set them aside, and make them again from a copy, the archive, bronze or silver',
  permission: 'write',
  input: z.strictObject({
    from: place('read', 'address of a backup, or of a copy of the lake: a directory, s3://…, or NAME:prefix').optional(),
    archive: selectionFields.archive,
    dryRun,
  }),
  result: z.strictObject({
    items: z
      .array(
        z.strictObject({
          key: z.string(),
          kind: z.string(),
          table: z.string(),
          problem: z.enum(['missing', 'size', 'bytes']),
          outcome: z.enum(['repaired', 'lost', 'found']),
          source: z.string().nullable(),
        }),
      )
      .readonly(),
  }),
  example: { dryRun: true },
  run: async (context, { from, archive, dryRun: isDry }) => {
    const lakehouse = await context.lakehouse(archiveAt(archive))
    const { items, findings } = await lakehouse.repair({ from, dryRun: isDry, onProgress: context.onIngest, onNotice: context.notice })
    const repaired = items.filter(({ outcome }) => outcome === 'repaired').length
    const counts = {
      filesDamaged: items.length,
      filesRepaired: repaired,
      filesLost: items.filter(({ outcome }) => outcome === 'lost').length,
    }
    return { status: statusOf(findings), counts, findings, result: { items } }
  },
})
