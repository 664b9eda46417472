import * as z from 'zod'
import { operation } from './contract.ts'
import { instant, nothing } from './schemas.ts'

const revision = z.strictObject({ key: z.string(), sha256: z.string(), verifiedAt: instant, size: z.number(), current: z.boolean() })

export const revisionsList = operation({
  id: 'revisions.list',
  summary: 'List the files that the exchange has replaced, with every revision of each',
  permission: 'read',
  input: nothing,
  result: z.strictObject({ items: z.array(revision) }),
  example: {},
  run: async (context) => {
    const items = await (await context.lakehouse()).withQuality(false, (quality) => quality.revisions())
    return { status: 'done', counts: { revisions: items.length }, result: { items } }
  },
})
