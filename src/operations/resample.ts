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
  summary: 'Build bars by length, calendar or amount from klines or trades',
  permission: 'read',
  input: z.strictObject({
    table,
    every: z.string().optional().describe('length of a bar: 90s, 7m, 4h …, or 1d, 1w, 1mo by the calendar'),
    by: z.string().optional().describe('instead of every: close a bar after count:N rows, volume:N or quote:N'),
    offset: z.string().optional().describe('with every: start every bar later by this length'),
    timeZone: z.string().optional().describe('with every: time zone of days, weeks and months; default: UTC'),
    symbols: z.string().optional().describe('symbols; * and ? are wildcards; default: all'),
    ...rangeFields,
    ...rowsFields,
  }),
  result: rowsResult,
  example: { table: EXAMPLE.minutes, every: '1d', symbols: EXAMPLE.symbol },
  run: async (context, { table: source, every, by, offset, timeZone, symbols, from = '', to = '', ...rows }) => {
    if ((every === undefined) === (by === undefined))
      throw new LakehouseError('USAGE', 'resample needs either every or by: name exactly one of them')
    if (by !== undefined && (offset ?? timeZone) !== undefined)
      throw new LakehouseError('USAGE', 'offset and timeZone apply only to every: remove them, or use every instead of by')
    if (symbols !== undefined) await requireSymbols(context, source, symbols)
    const [name, ...given] =
      every === undefined ? ['event_bars', by ?? '', from, to] : ['resample', every, from, to, offset ?? '0m', timeZone ?? '']
    return await rowsOf(context, `SELECT * FROM ${name}(${[source, symbols ?? '*', ...given].map(quote).join(', ')})`, rows)
  },
})
