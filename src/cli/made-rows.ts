import { LakehouseError } from '../core/errors.ts'
import { quote, quoteName } from '../platform/duckdb/session.ts'
import { RESULT_FORMATS } from '../query/run-query.ts'
import { type CommandContext, type CommandResult, type OptionSpec, text } from './command.ts'

/** Options of commands that make rows. */
export const ROWS_OPTIONS = {
  format: { type: 'string', value: 'F', help: 'how rows are written (default: table)', choices: RESULT_FORMATS },
  output: { type: 'string', value: 'FILE', help: 'where they are written' },
} as const satisfies Record<string, OptionSpec>

/** Throws ROW_NOT_FOUND where a table has no row of a symbol, or of any that fit a pattern with * and ?: what is made of nothing would look like an answer. */
export async function requireSymbol(context: CommandContext, table: string, symbols: string): Promise<void> {
  const fits = symbols.split(',').map((one) => (/[*?[]/.test(one) ? `symbol GLOB ${quote(one.trim())}` : `symbol = ${quote(one.trim())}`))
  const name = table.split('.').map(quoteName).join('.')
  const found = await (await context.open()).select(`SELECT 1 FROM ${name} WHERE ${fits.join(' OR ')} LIMIT 1`)
  if (found.length === 0)
    throw new LakehouseError(
      'ROW_NOT_FOUND',
      `${table} has no rows of ${symbols}: \`query "SELECT DISTINCT symbol FROM ${table}"\` lists what it has`,
      {
        details: { table, symbols },
      },
    )
}

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
