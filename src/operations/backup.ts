import * as z from 'zod'
import { operation, statusOf } from './contract.ts'
import { place } from './schemas.ts'

export const backup = operation({
  id: 'backup',
  summary: 'Back up the metadata of the tables and the ledger to another address, and read the copies back',
  permission: 'write',
  input: z.strictObject({ destination: place('write', 'a directory, s3://…, or NAME:prefix') }),
  result: z.strictObject({ folder: z.string() }),
  example: { destination: 'backups' },
  run: async (context, { destination }) => {
    const { folder, counts, findings } = await (await context.lakehouse()).backUp(destination)
    return { status: statusOf(findings), counts, findings, result: { folder } }
  },
})
