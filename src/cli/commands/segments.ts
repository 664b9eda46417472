import { LakehouseError } from '../../core/errors.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { ROWS_OPTIONS, requireSymbol, writeRowsOf } from '../made-rows.ts'

export const segments: Command = {
  summary: 'Klines for a back-test: cut where a ticker came back, without holes, with average price and funding',
  usage: 'TABLE [OPTIONS]',
  options: { symbols: { type: 'string', value: 'GLOB', help: 'symbols, * and ? allowed (default: all)' }, ...ROWS_OPTIONS },
  examples: [`crypto-lakehouse segments ${EXAMPLE.minutes} --symbols 'BTC*' --format parquet --output btc.parquet`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [table, ...more] = context.args
  if (table === undefined || more.length > 0) throw new LakehouseError('USAGE', 'segments takes one table of klines')
  const symbols = text(context.values, 'symbols')
  if (symbols !== undefined) await requireSymbol(context, table, symbols)
  return await writeRowsOf(context, `SELECT * FROM segments(${[table, symbols ?? '*'].map(quote).join(', ')})`)
}
