import { LakehouseError } from '../../core/errors.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { explainRow as explain } from '../../operations/explain-row.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'

export const explainRow: Command = {
  summary: 'Trace a row to its source: object, revision, line and text',
  operations: ['explain-row'],
  usage: 'TABLE --symbol S --at TIME [OPTIONS]',
  options: {
    symbol: { type: 'string', value: 'S', help: 'the symbol of the row' },
    at: { type: 'string', value: 'TIME', help: 'the event time of the row, ISO 8601 UTC' },
    id: { type: 'string', value: 'ID', help: 'the id of the row, when several rows have that time' },
  },
  examples: [`crypto-lakehouse explain-row ${EXAMPLE.hours} --symbol BTCUSDT --at 2017-12-18T12:00:00Z`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [table, ...more] = context.args
  const [symbol, at] = [text(context.values, 'symbol'), text(context.values, 'at')]
  if (table === undefined || more.length > 0 || symbol === undefined || at === undefined)
    throw new LakehouseError(
      'USAGE',
      `explain-row takes a table, --symbol and --at: crypto-lakehouse explain-row ${EXAMPLE.hours} --symbol BTCUSDT --at 2024-01-01T00:00:00Z`,
    )
  const outcome = await context.call(explain, { table, symbol, at, id: text(context.values, 'id') })
  if (!context.json)
    for (const item of outcome.result.items) {
      context.out(
        `${JSON.stringify(item.row)}\n  source    ${item.source}: ${item.object}\n  revision  ${item.revision} of ${item.revisions}, SHA-256 ${item.sha256}\n`,
      )
      context.out(`  line      ${item.line ?? 'not found'}: ${item.text ?? ''}\n  data file ${item.dataFile}\n`)
      for (const { object, row } of item.conflicts) context.out(`  dropped   ${JSON.stringify(row)}\n            of ${object}\n`)
    }
  return resultOf(outcome)
}
