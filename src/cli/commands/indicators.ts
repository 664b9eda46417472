import type * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { formatCount } from '../../core/format.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { indicatorsCompute } from '../../operations/indicators-compute.ts'
import { indicatorsDescribe } from '../../operations/indicators-describe.ts'
import { indicatorsDrop } from '../../operations/indicators-drop.ts'
import { indicatorsList } from '../../operations/indicators-list.ts'
import { indicatorsSave } from '../../operations/indicators-save.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { ROWS_OPTIONS, range, rows, SELECTION_OPTIONS } from '../selection.ts'

export const indicators: Command = {
  summary: 'Indicators: which there are, and their values over the bars of a table',
  operations: ['indicators.list', 'indicators.describe', 'indicators.compute', 'indicators.save', 'indicators.drop'],
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
  if (verb === 'list' && first === undefined) return await listed(context)
  if (verb === 'describe' && first !== undefined && second === undefined) return await described(context, first)
  if (verb === 'compute' && first !== undefined && second !== undefined && more.length === 0) return await computed(context, first, second)
  if (verb === 'drop' && first !== undefined && second === undefined) return await dropped(context, first)
  throw new LakehouseError('USAGE', "indicators list, describe ID, compute TABLE 'ID(PARAMETERS), …', or drop NAME")
}

async function listed(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(indicatorsList, {})
  const rows = outcome.result.items.map((one) => [one.id, one.parameters, one.name, one.outputs.join(', ')])
  if (!context.json) context.out(`${textTable(['id', 'parameters', 'name', 'gives'], rows)}\n`)
  return resultOf(outcome)
}

async function described(context: CommandContext, wanted: string): Promise<CommandResult> {
  const outcome = await context.call(indicatorsDescribe, { id: wanted })
  if (!context.json) {
    const { id, name, meaning, inputs, outputs, parameters, lookback, unstable, reference } = outcome.result.item
    const lines = Object.entries(parameters).map(
      ([key, { default: value, min, max, meaning: what }]) => `  ${key.padEnd(12)} ${what}: ${value} (${min} to ${max})\n`,
    )
    context.out(
      `${id}: ${name}\n  ${meaning}\n  inputs       ${inputs.join(', ')}\n  gives        ${outputs.join(', ')}\n${lines.join('')}`,
    )
    context.out(
      `  warm-up      ${lookback} rows are null; after ${unstable ?? 'no number of'} rows it no longer matters where the series began\n  reference    ${reference}\n`,
    )
  }
  return resultOf(outcome)
}

async function dropped(context: CommandContext, name: string): Promise<CommandResult> {
  const outcome = await context.call(indicatorsDrop, { name })
  const objects = formatCount(outcome.counts.objectsDeleted)
  if (!context.json) context.out(`${outcome.result.table}: ${objects} objects removed; ingest does not make it any more\n`)
  return resultOf(outcome)
}

async function computed(context: CommandContext, table: string, spec: string): Promise<CommandResult> {
  const { values } = context
  const [symbol, name] = [text(values, 'symbol'), text(values, 'save')]
  const of = { table, indicators: spec, benchmark: text(values, 'benchmark') }
  if (name !== undefined) return await saved(context, { ...of, name })
  if (symbol === undefined) throw new LakehouseError('USAGE', 'name the --symbol, or --save the values of all symbols')
  return resultOf(await context.call(indicatorsCompute, { ...of, symbol, ...range(values), ...rows(context) }))
}

async function saved(context: CommandContext, input: z.input<typeof indicatorsSave.input>): Promise<CommandResult> {
  const outcome = await context.call(indicatorsSave, input)
  const { rowsWritten, partitionsWritten, partitionsUnchanged } = outcome.counts
  if (!context.json)
    context.out(
      `${outcome.result.table}: ${formatCount(rowsWritten)} rows in ${partitionsWritten} partitions written, ${partitionsUnchanged} unchanged; ingest keeps it up to date\n`,
    )
  return resultOf(outcome)
}
