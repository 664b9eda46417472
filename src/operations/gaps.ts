import * as z from 'zod'
import { CAUSES, type Cause } from '../silver/gaps/causes.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { instant, symbolGlobs, tables } from './schemas.ts'
import { rangeFields, resolveRange, symbolsSql } from './selection.ts'

/** At most this many gaps are listed for one table. */
export const GAPS_LISTED = 10_000

/** Causes that do not mean missing data. */
const HARMLESS: ReadonlySet<Cause> = new Set(['not_listed', 'delisted', 'no_trades'])

export const cause = z.enum(Object.keys(CAUSES) as [Cause, ...Cause[]])

export const gapFields = { tables, symbols: symbolGlobs, ...rangeFields }

export const gap = z.strictObject({
  table: z.string(),
  symbol: z.string(),
  gapStart: instant,
  gapEnd: instant,
  missingPeriods: z.number(),
  gapDuration: z.number(),
  previousTimestamp: instant.nullable(),
  nextTimestamp: instant.nullable(),
  cause,
  evidence: z.string(),
})

const totals = z.strictObject({
  table: z.string(),
  totalGaps: z.number(),
  totalMissingPeriods: z.number(),
  symbolsAffected: z.number(),
  largestGap: z.number(),
  averageGapSize: z.number(),
})

export const dayCoverage = z.strictObject({ table: z.string(), symbol: z.string(), day: z.string(), share: z.number() })

export const gaps = operation({
  id: 'gaps',
  summary: 'List the gaps in the silver tables with their causes',
  permission: 'read',
  input: z.strictObject({
    ...gapFields,
    coverage: z.boolean().default(false).describe('also return the share of each day that the lake holds'),
  }),
  result: z.strictObject({ items: z.array(gap), tables: z.array(totals), coverage: z.array(dayCoverage).optional() }),
  example: { tables: [EXAMPLE.minutes], symbols: [EXAMPLE.symbol] },
  run: async (context, input) => {
    const range = resolveRange(input, context.nowMs())
    const symbols = symbolsSql(input.symbols)
    const lakehouse = await context.lakehouse()
    return await lakehouse.withQuality(false, async (quality) => {
      const reports = await quality.gaps(input.tables, { range, symbols, limit: GAPS_LISTED })
      const items = [...reports.values()].flatMap((report) => report.gaps)
      const tables = [...reports].map(([table, { gaps: _gaps, ...rest }]) => ({ table, ...rest }))
      const sum = (name: 'totalGaps' | 'totalMissingPeriods') => tables.reduce((total, one) => total + one[name], 0)
      const counts = { totalGaps: sum('totalGaps'), totalMissingPeriods: sum('totalMissingPeriods') }
      const coverage = input.coverage ? { coverage: await quality.coverage(input.tables, symbols) } : {}
      const isMissing = items.some((one) => !HARMLESS.has(one.cause))
      return { status: isMissing ? 'done_with_findings' : 'done', counts, result: { items, tables, ...coverage } }
    })
  },
})
