import * as z from 'zod'
import { quote } from '../platform/duckdb/session.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { requireSymbols, rowsFields, rowsOf, rowsResult } from './rows.ts'
import { table } from './schemas.ts'

export const segments = operation({
  id: 'segments',
  summary: 'Prepare klines for a back-test: split at relistings, gap-free, with average price and funding',
  permission: 'read',
  input: z.strictObject({
    table,
    symbols: z.string().optional().describe('symbols; * and ? are wildcards; default: all'),
    ...rowsFields,
  }),
  result: rowsResult,
  example: { table: EXAMPLE.minutes, symbols: EXAMPLE.symbol },
  run: async (context, { table: source, symbols, ...rows }) => {
    if (symbols !== undefined) await requireSymbols(context, source, symbols)
    return await rowsOf(context, `SELECT * FROM segments(${[source, symbols ?? '*'].map(quote).join(', ')})`, rows)
  },
})
