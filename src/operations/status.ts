import * as z from 'zod'
import { operation, statusOf } from './contract.ts'
import { instant, nothing, tableStatus } from './schemas.ts'

const run = z.strictObject({
  run: z.string(),
  from: instant,
  to: instant,
  verified: z.number(),
  quarantined: z.number(),
  decoded: z.number(),
})

export const status = operation({
  id: 'status',
  summary: 'Show what the lake holds: tables, objects by state, quarantine and the last runs',
  permission: 'read',
  input: nothing,
  result: z.strictObject({
    lake: z.string(),
    objects: z.array(z.strictObject({ status: z.string(), objects: z.number(), bytes: z.number() })).readonly(),
    quarantine: z.array(z.strictObject({ key: z.string(), reason: z.string() })).readonly(),
    rowsQuarantined: z.number(),
    runs: z.array(run).readonly(),
    items: z.array(tableStatus).readonly(),
  }),
  example: {},
  run: async (context) => {
    const { tables, findings, ...rest } = await (await context.lakehouse()).status()
    return {
      status: statusOf(findings),
      findings,
      counts: { tables: tables.length },
      result: { ...rest, items: tables },
    }
  },
})
