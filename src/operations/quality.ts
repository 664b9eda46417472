import * as z from 'zod'
import { recommendations } from '../lakehouse/quality.ts'
import { quote } from '../platform/duckdb/session.ts'
import { DIMENSIONS } from '../silver/quality/checks/check.ts'
import { operation, statusOf } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { tables } from './schemas.ts'

const share = z.number().nullable()

const dayScore = z.strictObject({ table: z.string(), symbol: z.string(), day: z.string(), score: share })

export const quality = operation({
  id: 'quality',
  summary: 'Check the silver tables against every rule, and score them',
  permission: 'write',
  input: z.strictObject({ tables, days: z.boolean().default(false).describe('also return the score of each symbol and day') }),
  result: z.strictObject({
    items: z.array(
      z.strictObject({
        table: z.string(),
        rows: z.number(),
        days: z.number(),
        score: share.describe('0 to 100; null when nothing can be judged'),
        parts: z.record(z.enum(DIMENSIONS), share).readonly(),
      }),
    ),
    days: z.array(dayScore).optional(),
  }),
  example: { tables: [EXAMPLE.minutes] },
  run: async (context, input) => {
    const lakehouse = await context.lakehouse()
    const [assessed, side] = await lakehouse.withQuality(true, async (lake) => [await lake.assess(input.tables), lake.findings] as const)
    const advice = recommendations(assessed, lakehouse.config.quality)
    const findings = [...advice, ...side, ...assessed.flatMap((item) => item.findings)]
    const items = assessed.map(({ findings: _findings, ...item }) => item)
    const rows = items.reduce((sum, item) => sum + item.rows, 0)
    const names = items.map(({ table }) => quote(table)).join(', ')
    const days = input.days ? { days: await dayScores(names || "''") } : {}
    return {
      status: statusOf(findings),
      counts: { tables: items.length, rows, findings: findings.length },
      findings,
      result: { items, ...days },
    }

    async function dayScores(chosen: string): Promise<z.infer<typeof dayScore>[]> {
      const found = await lakehouse.show(
        `SELECT table_name AS "table", symbol, day::VARCHAR AS day, score FROM silver.quality WHERE table_name IN (${chosen}) ORDER BY ALL`,
        undefined,
      )
      return z.array(dayScore).parse(found)
    }
  },
})
