import * as z from 'zod'
import { operation } from './contract.ts'
import { instant } from './schemas.ts'

const heldObject = z.strictObject({ key: z.string(), sha256: z.string(), reason: z.string(), dropped: z.boolean() })

const line = z.strictObject({
  object: z.string(),
  sha256: z.string(),
  line: z.number(),
  column: z.string().nullable(),
  reason: z.string(),
  text: z.string(),
  dropped: z.boolean(),
})

const decision = z.strictObject({
  object: z.string(),
  sha256: z.string(),
  line: z.number().nullable(),
  decision: z.enum(['released', 'dropped']),
  text: z.string().nullable(),
  reason: z.string(),
  at: instant,
})

export const quarantineList = operation({
  id: 'quarantine.list',
  summary: 'List quarantined objects and lines with their reasons, and the decisions about them',
  permission: 'read',
  input: z.strictObject({ limit: z.number().int().min(1).default(1000).describe('maximum number of lines') }),
  result: z.strictObject({
    objects: z.array(heldObject).readonly(),
    items: z.array(line).readonly(),
    decisions: z.array(decision).readonly(),
  }),
  example: {},
  run: async (context, { limit }) => {
    const found = await (await context.lakehouse()).withQuality(false, (quality) => quality.quarantine(limit))
    const { objects, lines, total, open, decisions } = found
    const counts = { objects: objects.length, lines: total, open }
    return { status: open > 0 ? 'done_with_findings' : 'done', counts, result: { objects, items: lines, decisions } }
  },
})
