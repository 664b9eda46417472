import { RESULT_FORMATS } from '../query/run-query.ts'
import { type CommandContext, type CommandResult, type OptionSpec, text } from './command.ts'

/** Options of commands that make rows. */
export const ROWS_OPTIONS = {
  format: { type: 'string', value: 'F', help: 'how rows are written (default: table)', choices: RESULT_FORMATS },
  output: { type: 'string', value: 'FILE', help: 'where they are written' },
} as const satisfies Record<string, OptionSpec>

/** Writes the rows of a statement as the options say. */
export async function writeRowsOf(context: CommandContext, sql: string): Promise<CommandResult> {
  const house = await context.open()
  if (context.json) {
    const items = await house.show(sql, undefined)
    return { status: 'done', counts: { rows: items.length }, body: { items } }
  }
  const format = RESULT_FORMATS.find((one) => one === text(context.values, 'format')) ?? 'table'
  await house.query(sql, { format, output: text(context.values, 'output'), asOf: undefined, layer: undefined }, context.out)
  return { status: 'done' }
}
