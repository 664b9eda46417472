import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { formatInstant, parseInstant, type TimeRange } from '../core/time.ts'
import { tradedRows } from '../gold/bars/traded-rows.ts'
import { parseIndicators } from '../gold/indicators/indicator-spec.ts'
import type { Lakehouse } from '../lakehouse/lakehouse.ts'
import { quote, quoteName } from '../platform/duckdb/session.ts'
import { tradedNames } from '../sources/series.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { dayCoverage, gap } from './gaps.ts'
import { requireSymbols } from './rows.ts'
import { finding, instant, table } from './schemas.ts'
import { rangeFields, resolveRange } from './selection.ts'

/** The maximum number of bars on a page. */
const MOST_BARS = 5000

/** The maximum number of findings and of gaps. */
const [FINDINGS, GAPS] = [500, 10_000]

const number = z.number()

const chartBar = z.strictObject({
  time: instant,
  open: number,
  high: number,
  low: number,
  close: number,
  volume: number,
  values: z.record(z.string(), number.nullable()),
})

export const reportChart = operation({
  id: 'report.chart',
  summary: 'Return the last bars of a symbol with indicators, gaps, findings and the coverage of each day',
  permission: 'read',
  input: z.strictObject({
    table,
    symbol: z.string().min(1),
    indicators: z.string().optional().describe("'bollinger, rsi(14)'"),
    bars: z.number().int().min(1).default(300).describe(`maximum number of bars, up to ${MOST_BARS}`),
    ...rangeFields,
  }),
  result: z.strictObject({
    table: z.string(),
    symbol: z.string(),
    from: z.string().describe('open time of the first bar; empty when there is none'),
    to: z.string(),
    bars: z.array(chartBar),
    gaps: z.array(gap),
    findings: z.array(finding),
    coverage: z.array(dayCoverage),
  }),
  example: { table: EXAMPLE.minutes, symbol: EXAMPLE.symbol, indicators: 'rsi(14)', bars: 60 },
  run: async (context, { table: name, symbol, indicators, bars: most, ...rest }) => {
    if (most > MOST_BARS)
      throw new LakehouseError(
        'USAGE',
        `bars ${most} is too many: a chart has at most ${MOST_BARS}; write a smaller number, or build longer bars with crypto-lakehouse resample`,
      )
    const range = resolveRange(rest, context.nowMs())
    await requireSymbols(context, name, symbol)
    const lakehouse = await context.lakehouse()
    const bars = await readBars(lakehouse, { table: name, symbol, indicators, range, most })
    const [from, to] = [bars[0]?.time ?? '', bars.at(-1)?.time ?? '']
    const { gaps, coverage } = await readGaps(lakehouse, name, symbol)
    const within = gaps.filter(({ gapStart, gapEnd }) => gapEnd >= from && gapStart <= to)
    const findings = bars.length === 0 ? [] : await readFindings(lakehouse, name, symbol, from, to)
    const counts = { bars: bars.length, gaps: within.length, findings: findings.length }
    return { status: 'done', counts, result: { table: name, symbol, from, to, bars, gaps: within, findings, coverage } }
  },
})

type Wanted = {
  readonly table: string
  readonly symbol: string
  readonly indicators: string | undefined
  readonly range: TimeRange | undefined
  readonly most: number
}

async function readBars(lakehouse: Lakehouse, wanted: Wanted): Promise<z.infer<typeof chartBar>[]> {
  const { table: name, symbol, indicators: spec, range, most } = wanted
  const columns = spec === undefined ? [] : parseIndicators(spec).flatMap((one) => one.columns)
  const { amount } = tradedNames(tradedRows(name).market)
  const within =
    range === undefined ? 'true' : `open_time >= make_timestamptz(${range.start}) AND open_time < make_timestamptz(${range.end})`
  const source =
    spec === undefined
      ? `${name} WHERE symbol = ${quote(symbol)} AND ${within}`
      : `indicators(${[name, symbol, spec].map(quote).join(', ')}) WHERE ${within}`
  const chosen = ['epoch_us(open_time) AS us', 'open', 'high', 'low', 'close', `${amount} AS volume`, ...columns.map(quoteName)]
  const rows = await lakehouse.select(
    `SELECT * FROM (SELECT ${chosen.join(', ')} FROM ${source} ORDER BY open_time DESC LIMIT ${most}) ORDER BY us`,
  )
  return rows.map((row) => ({
    time: formatInstant(Number(row['us'])),
    open: Number(row['open']),
    high: Number(row['high']),
    low: Number(row['low']),
    close: Number(row['close']),
    volume: Number(row['volume']),
    values: Object.fromEntries(columns.map((column) => [column, row[column] === null ? null : Number(row[column])])),
  }))
}

/** The gaps and the coverage of a symbol. Only silver tables have them. */
async function readGaps(lakehouse: Lakehouse, name: string, symbol: string) {
  if (!name.startsWith('silver.')) return { gaps: [], coverage: [] }
  const symbols = `symbol = ${quote(symbol)}`
  return await lakehouse.withQuality(false, async (quality) => {
    const reports = await quality.gaps([name], { range: undefined, symbols, limit: GAPS })
    return { gaps: [...reports.values()].flatMap((one) => one.gaps), coverage: await quality.coverage([name], symbols) }
  })
}

/** The findings of the last assessment about bars between two instants; an empty list before the first assessment. */
async function readFindings(lakehouse: Lakehouse, name: string, symbol: string, from: string, to: string): Promise<Finding[]> {
  const columns = `check_id AS "check", severity, table_name AS "table", symbol, from_time AS "from", to_time AS "to", row_count AS "count", explanation`
  const [first, last] = [parseInstant(from) ?? 0, parseInstant(to) ?? 0]
  const rows = await lakehouse
    .show(
      `SELECT ${columns} FROM silver.findings WHERE table_name = ${quote(name)} AND symbol = ${quote(symbol)}
        AND epoch_us(from_time) <= ${last} AND epoch_us(to_time) > ${first} ORDER BY from_time LIMIT ${FINDINGS}`,
      undefined,
    )
    .catch((error: unknown) => {
      if (error instanceof LakehouseError && error.code === 'TABLE_NOT_FOUND') return []
      throw error
    })
  return rows.map((row) => finding.parse({ ...row, count: Number(row['count']) }))
}
