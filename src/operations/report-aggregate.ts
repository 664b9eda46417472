import * as z from 'zod'
import { quote } from '../platform/duckdb/session.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { rowsFields, rowsOf, rowsResult } from './rows.ts'
import { rangeFields } from './selection.ts'

export const reportAggregate = operation({
  id: 'report.aggregate',
  summary: 'Compute an aggregate of a market as rows',
  permission: 'read',
  input: z.strictObject({
    aggregate: z.string().min(1),
    market: z.string().min(1),
    symbols: z.string().optional().describe('symbols; * and ? are wildcards; default: all'),
    options: z.string().default('').describe("options that report.list names: 'interval=1m, minutes=15'"),
    ...rangeFields,
    ...rowsFields,
  }),
  result: rowsResult,
  example: { aggregate: 'daily_summary', market: EXAMPLE.market, symbols: EXAMPLE.symbol },
  run: async (context, { aggregate, market, symbols, options, from = '', to = '', ...rows }) => {
    const given = [aggregate, market, symbols ?? '*', from, to, options]
    return await rowsOf(context, `SELECT * FROM aggregate(${given.map(quote).join(', ')})`, rows)
  },
})
