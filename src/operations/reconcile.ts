import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { tables } from './schemas.ts'

const differing = z.strictObject({
  change: z.enum(['differs', 'only left', 'only right']),
  left: z.string().nullable(),
  right: z.string().nullable(),
})

const month = z.strictObject({
  table: z.string(),
  symbol: z.string(),
  month: z.string(),
  days: z.number(),
  equal: z.number(),
  differing: z.number(),
  onlyMonthly: z.number(),
  onlyDaily: z.number(),
  columns: z.record(z.string(), z.number()).readonly().describe('number of differing rows by column'),
  winner: z.literal('monthly'),
  rows: z.array(differing).readonly(),
})

export const reconcile = operation({
  id: 'reconcile',
  summary: 'Compare monthly files with daily files row by row, where the lake holds both',
  permission: 'write',
  input: z.strictObject({ tables }),
  result: z.strictObject({ items: z.array(month) }),
  example: { tables: [EXAMPLE.minutes] },
  run: async (context, input) => {
    const [items, findings] = await (await context.lakehouse()).withQuality(
      true,
      async (quality) => [await quality.reconcile(input.tables), quality.findings] as const,
    )
    const sum = (name: 'equal' | 'differing' | 'onlyMonthly' | 'onlyDaily') => items.reduce((total, item) => total + item[name], 0)
    const counts = {
      months: items.length,
      equal: sum('equal'),
      differing: sum('differing'),
      onlyMonthly: sum('onlyMonthly'),
      onlyDaily: sum('onlyDaily'),
    }
    const differs = counts.differing + counts.onlyMonthly + counts.onlyDaily > 0 || findings.length > 0
    return { status: differs ? 'done_with_findings' : 'done', counts, findings, result: { items } }
  },
})
