import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { decisionFields, decisionResult } from './quarantine-drop.ts'

/** Open time, prices, amount, close time, value, number of trades, taker buy amount, taker buy value, and an unused field. */
const RELEASED = '1704240660000,43000,43000,43000,43000,1,1704240719999,43000,1,1,43000,0'

export const quarantineRelease = operation({
  id: 'quarantine.release',
  summary: 'Correct a quarantined line; the next ingestion adds it to its table',
  permission: 'write',
  input: z.strictObject({
    ...decisionFields,
    line: z.number().int().min(1),
    text: z
      .string()
      .regex(/^[^\r\n]+$/, 'the text must be one line')
      .describe('the corrected line, with all its fields'),
  }),
  result: decisionResult,
  example: { key: EXAMPLE.object, line: 12, text: RELEASED, reason: 'a time was cut off' },
  run: async (context, { key, line, text, reason }) => {
    await (await context.lakehouse()).withQuality(true, (quality) => quality.decide(key, { line, text, reason }))
    return { status: 'done', counts: {}, result: { key, line, decision: 'released' as const } }
  },
})
