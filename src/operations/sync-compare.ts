import * as z from 'zod'
import { operation } from './contract.ts'
import { resolveSync, syncFields } from './sync-request.ts'
import { efficiency } from './transfer-schemas.ts'

/** Number of objects in a comparison. */
const SAMPLE = 20

export const syncCompare = operation({
  id: 'sync.compare',
  summary: 'Copy a sample the chosen way and the traditional way, remove the copies, and compare the cost',
  permission: 'write',
  input: z.strictObject(syncFields),
  result: z.strictObject({
    comparison: z.strictObject({
      chosen: efficiency,
      traditional: efficiency,
      wallRatio: z.number().describe('chosen / traditional'),
      cpuRatio: z.number(),
    }),
  }),
  example: { source: 'archive', destination: 'mirror' },
  run: async (context, input) => {
    const { transfers, request, options } = await resolveSync(context, input)
    const { objects, bytes, ...comparison } = await transfers.compare(request, options, SAMPLE)
    return { status: 'done', counts: { objectsCompared: objects, bytesCompared: bytes }, result: { comparison } }
  },
})
