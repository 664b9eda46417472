import { LakehouseError } from '../../core/errors.ts'
import type { Indicator } from '../../gold/indicators/indicator.ts'
import { findIndicator, parseIndicators } from '../../gold/indicators/indicator-spec.ts'
import { INDICATORS } from '../../gold/indicators/registry.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { formatCount } from '../format.ts'
import { ROWS_OPTIONS, requireSymbol, writeRowsOf } from '../made-rows.ts'
import { parseSelection, SELECTION_OPTIONS } from '../selection.ts'

export const indicators: Command = {
  summary: 'Indicators: which there are, and their values over the bars of a table',
  usage: "list | describe ID | compute TABLE 'ID(PARAMETERS), …' | drop NAME [OPTIONS]",
  options: {
    symbol: { type: 'string', value: 'S', help: 'compute: the symbol' },
    benchmark: { type: 'string', value: 'S', help: 'compute: the symbol that correlation and beta are held against' },
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    ...ROWS_OPTIONS,
    save: {
      type: 'string',
      value: 'NAME',
      help: 'compute: keep them for all symbols as the table gold.NAME, which ingestion brings up to date',
    },
  },
  examples: [
    'crypto-lakehouse indicators describe macd',
    `crypto-lakehouse indicators compute ${EXAMPLE.hours} 'rsi(14), macd(12, 26, 9)' --symbol BTCUSDT --from 2024-01-01`,
    `crypto-lakehouse indicators compute ${EXAMPLE.hours} 'ema(20), atr(14)' --save features_1h`,
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb = 'list', first, second, ...more] = context.args
  if (verb === 'list' && first === undefined) return listed(context)
  if (verb === 'describe' && first !== undefined && second === undefined) return described(context, findIndicator(first))
  if (verb === 'compute' && first !== undefined && second !== undefined && more.length === 0) return await computed(context, first, second)
  if (verb === 'drop' && first !== undefined && second === undefined) return await dropped(context, first)
  throw new LakehouseError('USAGE', "indicators list, describe ID, compute TABLE 'ID(PARAMETERS), …', or drop NAME")
}

function listed(context: CommandContext): CommandResult {
  const items = INDICATORS.map((one) => ({
    id: one.id,
    name: one.name,
    parameters: usual(one),
    outputs: one.outputs,
    meaning: one.meaning,
  }))
  if (!context.json)
    context.out(
      `${textTable(
        ['id', 'parameters', 'name', 'gives'],
        items.map((one) => [one.id, one.parameters, one.name, one.outputs.join(', ')]),
      )}\n`,
    )
  return { status: 'done', counts: { indicators: items.length }, body: { items } }
}

function usual({ parameters }: Indicator): string {
  return Object.entries(parameters)
    .map(([name, parameter]) => `${name} ${parameter.default}`)
    .join(', ')
}

function described(context: CommandContext, one: Indicator): CommandResult {
  const defaults = Object.fromEntries(Object.entries(one.parameters).map(([name, parameter]) => [name, parameter.default]))
  const { id, name, meaning, inputs, outputs, parameters, reference } = one
  const unstable = one.unstable(defaults)
  const item = {
    id,
    name,
    meaning,
    inputs,
    outputs,
    parameters,
    lookback: one.lookback(defaults),
    unstable: Number.isFinite(unstable) ? unstable : null,
    reference,
  }
  if (!context.json) {
    const lines = Object.entries(parameters).map(
      ([key, { default: value, min, max, meaning: what }]) => `  ${key.padEnd(12)} ${what}: ${value} (${min} to ${max})`,
    )
    context.out(
      `${id}: ${name}\n  ${meaning}\n  inputs       ${inputs.join(', ')}\n  gives        ${outputs.join(', ')}\n${lines.map((line) => `${line}\n`).join('')}`,
    )
    context.out(
      `  warm-up      ${item.lookback} rows are null; after ${item.unstable ?? 'no number of'} rows it no longer matters where the series began\n  reference    ${reference}\n`,
    )
  }
  return { status: 'done', body: { item } }
}

async function dropped(context: CommandContext, table: string): Promise<CommandResult> {
  const name = table.replace(/^gold\./, '')
  const objects = await (await context.open()).withGold((gold) => gold.dropIndicators(name))
  if (!context.json) context.out(`gold.${name}: ${formatCount(objects)} objects removed; ingest does not make it any more\n`)
  return { status: 'done', counts: { objectsDeleted: objects }, body: { table: `gold.${name}` } }
}

async function computed(context: CommandContext, table: string, spec: string): Promise<CommandResult> {
  const { values } = context
  const specs = parseIndicators(spec)
  const [symbol, save, benchmark = ''] = [text(values, 'symbol'), text(values, 'save'), text(values, 'benchmark')]
  if (save !== undefined) {
    const made = await (await context.open()).withGold((gold) => gold.saveIndicators({ name: save, source: table, spec, benchmark }))
    const counts = {
      rowsWritten: made.rowsWritten,
      partitionsWritten: made.partitionsWritten,
      partitionsUnchanged: made.partitionsUnchanged,
    }
    if (!context.json)
      context.out(
        `gold.${save}: ${formatCount(made.rowsWritten)} rows in ${made.partitionsWritten} partitions written, ${made.partitionsUnchanged} unchanged; ingest keeps it up to date\n`,
      )
    return { status: 'done', counts, body: { table: `gold.${save}`, columns: specs.flatMap((one) => one.columns) } }
  }
  if (symbol === undefined) throw new LakehouseError('USAGE', 'name the --symbol, or --save the values of all symbols')
  const { range } = parseSelection(values, context.nowMs())
  const within =
    range === undefined ? 'true' : `open_time >= make_timestamptz(${range.start}) AND open_time < make_timestamptz(${range.end})`
  const columns = specs.flatMap((one) => one.columns).map(quoteName)
  const call = [table, symbol, spec, benchmark].map(quote).join(', ')
  const sql = `SELECT open_time, close, ${columns.join(', ')} FROM indicators(${call}) WHERE ${within} ORDER BY open_time`
  await requireSymbol(context, table, symbol)
  return await writeRowsOf(context, sql)
}
