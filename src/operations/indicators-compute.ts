import * as z from 'zod'
import { parseIndicators } from '../gold/indicators/indicator-spec.ts'
import { quote, quoteName } from '../platform/duckdb/session.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { requireSymbols, rowsFields, rowsOf, rowsResult } from './rows.ts'
import { table } from './schemas.ts'
import { rangeFields, resolveRange } from './selection.ts'

export const indicatorFields = {
  table,
  indicators: z.string().min(1).describe("'rsi(14), macd(12, 26, 9)'"),
  benchmark: z.string().default('').describe('the symbol that correlation and beta compare with'),
}

export const indicatorsCompute = operation({
  id: 'indicators.compute',
  summary: 'Compute indicators over the bars of a symbol',
  permission: 'read',
  input: z.strictObject({ ...indicatorFields, symbol: z.string().min(1), ...rangeFields, ...rowsFields }),
  result: rowsResult,
  example: { table: EXAMPLE.minutes, indicators: 'rsi(14)', symbol: EXAMPLE.symbol, from: '2024-01-03', to: '2024-01-04' },
  run: async (context, { table: source, indicators, benchmark, symbol, format, output, ...rest }) => {
    const columns = parseIndicators(indicators).flatMap((one) => one.columns)
    const range = resolveRange(rest, context.nowMs())
    const within =
      range === undefined ? 'true' : `open_time >= make_timestamptz(${range.start}) AND open_time < make_timestamptz(${range.end})`
    const given = [source, symbol, indicators, benchmark].map(quote).join(', ')
    await requireSymbols(context, source, symbol)
    const sql = `SELECT open_time, close, ${columns.map(quoteName).join(', ')} FROM indicators(${given}) WHERE ${within} ORDER BY open_time`
    return await rowsOf(context, sql, { format, output })
  },
})
