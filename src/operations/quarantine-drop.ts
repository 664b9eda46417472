import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'

export const decisionFields = {
  key: z.string().min(1).describe('key of the object'),
  reason: z.string().min(1).describe('the reason; it is stored with the decision'),
}

export const decisionResult = z.strictObject({
  key: z.string(),
  line: z.number().nullable(),
  decision: z.enum(['released', 'dropped']),
})

export const quarantineDrop = operation({
  id: 'quarantine.drop',
  summary: 'Decide that a quarantined line or object has no value; its bytes stay',
  permission: 'write',
  input: z.strictObject({
    ...decisionFields,
    line: z.number().int().min(1).optional().describe('number of the line; without it the whole object'),
  }),
  result: decisionResult,
  example: { key: EXAMPLE.object, line: 12, reason: 'a line of the exporter' },
  run: async (context, { key, line = null, reason }) => {
    await (await context.lakehouse()).withQuality(true, (quality) => quality.decide(key, { line, text: null, reason }))
    return { status: 'done', counts: {}, result: { key, line, decision: 'dropped' as const } }
  },
})
