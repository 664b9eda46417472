import { LakehouseError } from '../../core/errors.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { segments as buildSegments } from '../../operations/segments.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { ROWS_OPTIONS, rows } from '../selection.ts'

export const segments: Command = {
  summary: 'Back-test klines: split at relistings, gap-free, VWAP, funding',
  operations: ['segments'],
  usage: 'TABLE [OPTIONS]',
  options: { symbols: { type: 'string', value: 'GLOB', help: 'symbols; * and ? are wildcards (default: all)' }, ...ROWS_OPTIONS },
  examples: [`crypto-lakehouse segments ${EXAMPLE.minutes} --symbols 'BTC*' --format parquet --output btc.parquet`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [table, ...more] = context.args
  if (table === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'segments takes exactly one table of klines: write segments TABLE')
  return resultOf(await context.call(buildSegments, { table, symbols: text(context.values, 'symbols'), ...rows(context) }))
}
