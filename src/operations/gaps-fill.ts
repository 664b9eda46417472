import * as z from 'zod'
import { FILL_METHODS, type FillMethod } from '../silver/gaps/fill-methods.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { cause, GAPS_LISTED, gapFields } from './gaps.ts'
import { dryRun, instant } from './schemas.ts'
import { resolveRange, symbolsSql } from './selection.ts'

const step = z.strictObject({
  table: z.string(),
  symbol: z.string(),
  gapStart: instant,
  gapEnd: instant,
  cause,
  method: z.enum(Object.keys(FILL_METHODS) as [FillMethod, ...FillMethod[]]),
  source: z.string().nullable(),
  rows: z.number(),
  requests: z.number(),
  status: z.enum(['planned', 'filled', 'open', 'unfillable']),
})

export const gapsFill = operation({
  id: 'gaps.fill',
  summary: 'Fill gaps from other tables of the lake, and mark the new rows in `source`',
  permission: 'write',
  input: z.strictObject({
    ...gapFields,
    synthetic: z.boolean().default(false).describe('as a last resort, repeat the last close without volume'),
    dryRun,
  }),
  result: z.strictObject({ fills: z.array(step) }),
  example: { tables: [EXAMPLE.minutes], dryRun: true },
  run: async (context, input) => {
    const { synthetic, dryRun: isPlan } = input
    const range = resolveRange(input, context.nowMs())
    const options = { range, symbols: symbolsSql(input.symbols), limit: GAPS_LISTED, write: !isPlan, synthetic }
    const lakehouse = await context.lakehouse()
    const [reports, findings] = await lakehouse.withQuality(
      !isPlan,
      async (lake) => [await lake.fillGaps(input.tables, options), lake.findings] as const,
    )
    const fills = reports.flatMap((report) => report.steps)
    const rows = (status: string) => fills.reduce((sum, one) => sum + (one.status === status ? one.rows : 0), 0)
    const counts = {
      rowsFilled: rows('filled'),
      rowsFillable: rows('planned'),
      rowsOpen: rows('open'),
      rowsUnfillable: rows('unfillable'),
      requests: fills.reduce((sum, one) => sum + one.requests, 0),
      bytesRead: reports.reduce((sum, one) => sum + one.bytesRead, 0),
    }
    return { status: findings.length > 0 ? 'done_with_findings' : 'done', counts, findings, result: { fills } }
  },
})
