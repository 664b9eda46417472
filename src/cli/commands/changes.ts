import { LakehouseError } from '../../core/errors.ts'
import { changes as listChanges } from '../../operations/changes.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'

export const changes: Command = {
  summary: 'List what a reader of a table must read again',
  operations: ['changes'],
  usage: 'TABLE --since SNAPSHOT|TAG|TIME [OPTIONS]',
  options: { since: { type: 'string', value: 'STATE', help: 'the snapshot, tag or time that was read before' } },
  examples: [`crypto-lakehouse changes ${EXAMPLE.minutes} --since before-change`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [table, ...more] = context.args
  const since = text(context.values, 'since')
  if (table === undefined || since === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'changes takes a table and the state that was read before: changes TABLE --since SNAPSHOT')
  const outcome = await context.call(listChanges, { table, since })
  const rows = outcome.result.items.map((item) => [
    item.change,
    item.partition,
    item.from ?? '',
    item.to ?? '',
    item.symbolFrom === null ? '' : `${item.symbolFrom} – ${item.symbolTo}`,
    item.rowsRemoved,
    item.rowsAdded,
  ])
  const shown = textTable(['change', 'partition', 'from', 'to', 'symbols', 'rows removed', 'rows added'], rows)
  if (!context.json) context.out(rows.length === 0 ? 'No rows have changed.\n' : `${shown}\n`)
  return resultOf(outcome)
}
