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
  summary: 'List, describe and compute indicators, or keep them as a table',
  operations: ['indicators.list', 'indicators.describe', 'indicators.compute', 'indicators.save', 'indicators.drop'],
  usage: "list | describe ID | compute TABLE 'ID(PARAMETERS), …' | drop NAME [OPTIONS]",
  options: {
    symbol: { type: 'string', value: 'S', help: 'compute: the symbol' },
    benchmark: { type: 'string', value: 'S', help: 'compute: the symbol that correlation and beta compare with' },
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    ...ROWS_OPTIONS,
    save: {
      type: 'string',
      value: 'NAME',
      help: 'compute: save all symbols as gold.NAME; ingest updates it',
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
  throw new LakehouseError(
    'USAGE',
    "indicators takes a verb: indicators list, indicators describe ID, indicators compute TABLE 'ID(PARAMETERS), …' or indicators drop NAME",
  )
}

async function listed(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(indicatorsList, {})
  const rows = outcome.result.items.map((one) => [one.id, one.parameters, one.name, one.outputs.join(', ')])
  if (!context.json) context.out(`${textTable(['id', 'parameters', 'name', 'outputs'], rows)}\n`)
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
      `${id}: ${name}\n  ${meaning}\n  inputs       ${inputs.join(', ')}\n  outputs      ${outputs.join(', ')}\n${lines.join('')}`,
    )
    context.out(
      `  warm-up      the first ${lookback} rows are null; ${unstable === null ? 'the start of the series always matters' : `the start of the series no longer matters after ${unstable} rows`}\n  reference    ${reference}\n`,
    )
  }
  return resultOf(outcome)
}

async function dropped(context: CommandContext, name: string): Promise<CommandResult> {
  const outcome = await context.call(indicatorsDrop, { name })
  const objects = formatCount(outcome.counts.objectsDeleted)
  if (!context.json) context.out(`${outcome.result.table}: ${objects} objects removed; ingest no longer builds this table\n`)
  return resultOf(outcome)
}

async function computed(context: CommandContext, table: string, spec: string): Promise<CommandResult> {
  const { values } = context
  const [symbol, name] = [text(values, 'symbol'), text(values, 'save')]
  const of = { table, indicators: spec, benchmark: text(values, 'benchmark') }
  if (name !== undefined) return await saved(context, { ...of, name })
  if (symbol === undefined)
    throw new LakehouseError('USAGE', 'indicators compute needs a symbol: add --symbol S, or add --save NAME to compute all symbols')
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
