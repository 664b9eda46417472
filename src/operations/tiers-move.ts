import * as z from 'zod'
import { operation, statusOf } from './contract.ts'
import { dryRun } from './schemas.ts'

export const tiersMove = operation({
  id: 'tiers.move',
  summary: 'Move old data files of a lake on disk to the directories of their tiers',
  permission: 'write',
  input: z.strictObject({ dryRun }),
  result: z.strictObject({ items: z.array(z.strictObject({ key: z.string(), tier: z.enum(['cool', 'archive']), bytes: z.number() })) }),
  example: { dryRun: true },
  run: async (context, input) => {
    const { moves, findings } = await (await context.lakehouse()).moveToTiers(input.dryRun)
    const bytesMoved = moves.reduce((sum, one) => sum + one.bytes, 0)
    return { status: statusOf(findings), findings, counts: { filesMoved: moves.length, bytesMoved }, result: { items: [...moves] } }
  },
})
