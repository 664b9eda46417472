import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { quote } from '../platform/duckdb/session.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { requireSymbols, rowsFields, rowsOf, rowsResult } from './rows.ts'
import { table } from './schemas.ts'
import { rangeFields } from './selection.ts'

export const resample = operation({
  id: 'resample',
  summary: 'Bars of any length, calendar or amount, made of klines or trades',
  permission: 'read',
  input: z.strictObject({
    table,
    every: z.string().optional().describe('90s, 7m, 4h …, or 1d, 1w, 1mo by the calendar'),
    by: z.string().optional().describe('instead of every: full after count:N rows, volume:N or quote:N'),
    offset: z.string().optional().describe('with every: bars begin so much later'),
    timeZone: z.string().optional().describe('with every: whose days, weeks and months; by default UTC'),
    symbols: z.string().optional().describe('symbols, * and ? allowed; by default all'),
    ...rangeFields,
    ...rowsFields,
  }),
  result: rowsResult,
  example: { table: EXAMPLE.minutes, every: '1d', symbols: EXAMPLE.symbol },
  run: async (context, { table: source, every, by, offset, timeZone, symbols, from = '', to = '', ...rows }) => {
    if ((every === undefined) === (by === undefined)) throw new LakehouseError('USAGE', 'bars are made every LENGTH, or by RULE: name one')
    if (by !== undefined && (offset ?? timeZone) !== undefined)
      throw new LakehouseError('USAGE', 'an offset and a time zone belong to bars of a length, not to a rule')
    if (symbols !== undefined) await requireSymbols(context, source, symbols)
    const [name, ...given] =
      every === undefined ? ['event_bars', by ?? '', from, to] : ['resample', every, from, to, offset ?? '0m', timeZone ?? '']
    return await rowsOf(context, `SELECT * FROM ${name}(${[source, symbols ?? '*', ...given].map(quote).join(', ')})`, rows)
  },
})
