import { LakehouseError } from '../../core/errors.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { resample as makeBars } from '../../operations/resample.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { ROWS_OPTIONS, range, rows } from '../selection.ts'

export const resample: Command = {
  summary: 'Build bars by length, calendar or amount from klines or trades',
  operations: ['resample'],
  usage: 'TABLE --every LENGTH | --by RULE [OPTIONS]',
  options: {
    every: { type: 'string', value: 'LENGTH', help: 'length (90s, 7m, 4h …), or calendar 1d, 1w, 1mo' },
    offset: { type: 'string', value: 'LENGTH', help: 'start every bar later by this length: 5m' },
    'time-zone': { type: 'string', value: 'ZONE', help: 'time zone of days, weeks and months (default: UTC)' },
    by: { type: 'string', value: 'RULE', help: 'close a bar after count:N rows, volume:N or quote:N' },
    symbols: { type: 'string', value: 'GLOB', help: 'symbols; * and ? are wildcards (default: all)' },
    from: { type: 'string', value: 'D', help: 'start of the source rows, UTC' },
    to: { type: 'string', value: 'D', help: 'end of the source rows, UTC, not included' },
    ...ROWS_OPTIONS,
  },
  examples: [
    `crypto-lakehouse resample ${EXAMPLE.minutes} --every 1h --offset 5m --symbols BTCUSDT --format csv`,
    `crypto-lakehouse resample ${EXAMPLE.trades} --by volume:100 --symbols BTCUSDT`,
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [table, ...more] = context.args
  const option = (name: string) => text(context.values, name)
  const [every, by, offset, timeZone] = [option('every'), option('by'), option('offset'), option('time-zone')]
  if (table === undefined || more.length > 0 || (every === undefined) === (by === undefined))
    throw new LakehouseError(
      'USAGE',
      'resample takes one table and either --every or --by: write resample TABLE --every LENGTH, or resample TABLE --by count:N|volume:N|quote:N',
    )
  if (by !== undefined && (offset ?? timeZone) !== undefined)
    throw new LakehouseError('USAGE', '--offset and --time-zone apply only to --every: remove them, or use --every instead of --by')
  const chosen = { symbols: option('symbols'), ...range(context.values) }
  return resultOf(await context.call(makeBars, { table, every, by, offset, timeZone, ...chosen, ...rows(context) }))
}
