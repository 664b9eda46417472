import { LakehouseError } from '../../core/errors.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { resample as makeBars } from '../../operations/resample.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { ROWS_OPTIONS, range, rows } from '../selection.ts'

export const resample: Command = {
  summary: 'Bars of any length, calendar or amount, made of klines or trades',
  operations: ['resample'],
  usage: 'TABLE --every LENGTH | --by RULE [OPTIONS]',
  options: {
    every: { type: 'string', value: 'LENGTH', help: '90s, 7m, 4h …, or 1d, 1w, 1mo by the calendar' },
    offset: { type: 'string', value: 'LENGTH', help: 'bars begin so much later: 5m' },
    'time-zone': { type: 'string', value: 'ZONE', help: 'whose days, weeks and months: America/New_York (default: UTC)' },
    by: { type: 'string', value: 'RULE', help: 'full after count:N rows, volume:N or quote:N' },
    symbols: { type: 'string', value: 'GLOB', help: 'symbols, * and ? allowed (default: all)' },
    from: { type: 'string', value: 'D', help: 'first instant of what bars are made of, UTC' },
    to: { type: 'string', value: 'D', help: 'the instant after the last' },
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
    throw new LakehouseError('USAGE', 'resample TABLE --every LENGTH, or resample TABLE --by count:N|volume:N|quote:N')
  if (by !== undefined && (offset ?? timeZone) !== undefined)
    throw new LakehouseError('USAGE', '--offset and --time-zone belong to --every')
  const chosen = { symbols: option('symbols'), ...range(context.values) }
  return resultOf(await context.call(makeBars, { table, every, by, offset, timeZone, ...chosen, ...rows(context) }))
}
