import { LakehouseError } from '../../core/errors.ts'
import type { Finding, Severity } from '../../core/finding.ts'
import { formatInstant, parseInstant } from '../../core/time.ts'
import { AGGREGATIONS } from '../../gold/aggregations/registry.ts'
import { tradedRows } from '../../gold/bars/traded-rows.ts'
import { parseIndicators } from '../../gold/indicators/indicator-spec.ts'
import type { Lakehouse } from '../../lakehouse/lakehouse.ts'
import { type ChartBar, chartPage } from '../../pages/chart-page.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { textTable } from '../../query/formats/text-table.ts'
import type { GapReport } from '../../silver/gaps/find-gaps.ts'
import { tradedNames } from '../../sources/series.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { ROWS_OPTIONS, requireSymbol, writeRowsOf } from '../made-rows.ts'
import { parseSelection, SELECTION_OPTIONS } from '../selection.ts'
import { parseCount } from '../transfer-options.ts'

/** More than a page shows. */
const MOST_BARS = 5000

export const report: Command = {
  summary: 'A page of a symbol with candles, indicators, gaps and findings; or aggregates of a market',
  usage: 'list | chart TABLE | AGGREGATE MARKET [OPTIONS]',
  options: {
    symbol: { type: 'string', value: 'S', help: 'chart: the symbol' },
    indicators: { type: 'string', value: 'SPEC', help: "chart: 'bollinger, rsi(14)'" },
    bars: { type: 'string', value: 'N', help: 'chart: so many at most, the last ones (default: 300)' },
    symbols: { type: 'string', value: 'GLOB', help: 'aggregates: symbols, * and ? allowed (default: all)' },
    options: { type: 'string', value: 'NAME=N,…', help: 'aggregates: interval=1m, and what `report list` names' },
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    ...ROWS_OPTIONS,
    ...HTML_OPTION,
  },
  examples: [
    `crypto-lakehouse report chart ${EXAMPLE.hours} --symbol BTCUSDT --indicators 'bollinger, rsi(14)' --html btc.html`,
    "crypto-lakehouse report order_flow um --symbols 'BTC*' --options minutes=15 --format csv",
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb = 'list', subject, ...more] = context.args
  if (verb === 'list' && subject === undefined) return listed(context)
  if (subject === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'report list, report chart TABLE --symbol S --html FILE, or report AGGREGATE MARKET')
  if (verb === 'chart') return await chart(context, subject)
  const option = (name: string) => text(context.values, name) ?? ''
  const given = [verb, subject, option('symbols') || '*', option('from'), option('to'), option('options')]
  return await writeRowsOf(context, `SELECT * FROM aggregate(${given.map(quote).join(', ')})`)
}

function listed(context: CommandContext): CommandResult {
  const items = AGGREGATIONS.map(({ id, meaning, inputs, options }) => ({ id, meaning, inputs: Object.values(inputs), options }))
  if (!context.json)
    context.out(
      `${textTable(
        ['aggregate', 'options', 'of', 'meaning'],
        items.map((one) => [
          one.id,
          Object.entries(one.options)
            .map(([name, value]) => `${name} ${value}`)
            .join(', '),
          one.inputs.join(', '),
          one.meaning,
        ]),
      )}\n`,
    )
  return { status: 'done', counts: { aggregates: items.length }, body: { items } }
}

async function chart(context: CommandContext, table: string): Promise<CommandResult> {
  const [symbol, spec] = [text(context.values, 'symbol'), text(context.values, 'indicators')]
  if (symbol === undefined || text(context.values, 'html') === undefined)
    throw new LakehouseError('USAGE', 'report chart takes --symbol and --html')
  const most = parseCount('bars', text(context.values, 'bars'), 1) ?? 300
  if (most > MOST_BARS) throw new LakehouseError('USAGE', `a chart has ${MOST_BARS} bars at most: make longer ones with resample`)
  const { range } = parseSelection(context.values, context.nowMs())
  await requireSymbol(context, table, symbol)
  const house = await context.open()
  const bars = await readBars(house, table, symbol, spec, range, most)
  const [first, last] = [bars[0]?.time ?? '', bars.at(-1)?.time ?? '']
  const shown = bars.length === 0 ? undefined : { start: parseInstant(first) ?? 0, end: (parseInstant(last) ?? 0) + 1 }
  const only = `symbol = ${quote(symbol)}`
  // What the lake lacks is told of silver tables.
  const isSilver = table.startsWith('silver.')
  const reports = isSilver
    ? await house.withQuality(false, (lake) => lake.gaps([table], { range: undefined, symbols: only, limit: 10_000 }))
    : new Map()
  const gaps: GapReport['gaps'] = [...reports.values()].flatMap((one: GapReport) => one.gaps)
  const within = gaps.filter(({ gapStart, gapEnd }) => gapEnd >= first && gapStart <= last)
  const coverage = isSilver ? await house.withQuality(false, (lake) => lake.coverage([table], only)) : []
  const findings = await readFindings(house, table, symbol, shown)
  await writeHtml(context, (madeAt) => chartPage({ table, symbol, bars, gaps: within, findings, coverage, madeAt }))
  const counts = { bars: bars.length, gaps: within.length, findings: findings.length }
  if (!context.json)
    context.out(`${text(context.values, 'html')}: ${bars.length} bars, ${within.length} gaps, ${findings.length} findings\n`)
  return { status: 'done', counts, body: { table, symbol, from: first, to: last } }
}

async function readBars(
  house: Lakehouse,
  table: string,
  symbol: string,
  spec: string | undefined,
  range: { start: number; end: number } | undefined,
  most: number,
): Promise<ChartBar[]> {
  const columns = spec === undefined ? [] : parseIndicators(spec).flatMap((one) => one.columns)
  const { amount } = tradedNames(tradedRows(table).market)
  const within =
    range === undefined ? 'true' : `open_time >= make_timestamptz(${range.start}) AND open_time < make_timestamptz(${range.end})`
  const source =
    spec === undefined
      ? `${table} WHERE symbol = ${quote(symbol)} AND ${within}`
      : `indicators(${[table, symbol, spec].map(quote).join(', ')}) WHERE ${within}`
  const rows = await house.select(
    `SELECT * FROM (SELECT epoch_us(open_time) AS us, open, high, low, close, ${amount} AS volume${columns.map((name) => `, ${quoteName(name)}`).join('')} FROM ${source} ORDER BY open_time DESC LIMIT ${most}) ORDER BY us`,
  )
  return rows.map((row) => ({
    time: formatInstant(Number(row['us'])),
    open: Number(row['open']),
    high: Number(row['high']),
    low: Number(row['low']),
    close: Number(row['close']),
    volume: Number(row['volume']),
    values: Object.fromEntries(columns.map((name) => [name, row[name] === null ? null : Number(row[name])])),
  }))
}

/** What `quality` has found of the bars that are shown; nothing where it has not looked yet. */
async function readFindings(
  house: Lakehouse,
  table: string,
  symbol: string,
  range: { start: number; end: number } | undefined,
): Promise<Finding[]> {
  if (range === undefined) return []
  const rows = await house
    .select(
      `SELECT * FROM silver.findings WHERE table_name = ${quote(table)} AND symbol = ${quote(symbol)} AND epoch_us(from_time) < ${range.end} AND epoch_us(to_time) > ${range.start} ORDER BY from_time LIMIT 500`,
    )
    .catch((error: unknown) => {
      if (error instanceof LakehouseError && error.code === 'TABLE_NOT_FOUND') return []
      throw error
    })
  return rows.map((row) => ({
    check: String(row['check_id']),
    severity: row['severity'] as Severity,
    table,
    symbol,
    from: (row['from_time'] as Date).toISOString(),
    to: (row['to_time'] as Date).toISOString(),
    count: Number(row['row_count']),
    explanation: String(row['explanation']),
  }))
}
