import { LakehouseError } from '../../core/errors.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { revisionsDiff } from '../../operations/revisions-diff.ts'
import { revisionsList } from '../../operations/revisions-list.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'

/** At most this many changed rows are printed. */
const SHOWN = 20

export const revisions: Command = {
  summary: 'List files that the exchange replaced, and what changed',
  operations: ['revisions.list', 'revisions.diff'],
  usage: 'list | diff KEY [OPTIONS]',
  options: {
    from: { type: 'string', value: 'SHA256', help: 'diff: start of the old digest (default: previous revision)' },
  },
  examples: ['crypto-lakehouse revisions list', `crypto-lakehouse revisions diff ${EXAMPLE.object} --json`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb = 'list', key, ...more] = context.args
  if (verb === 'list' && key === undefined) return await listed(context)
  if (verb !== 'diff' || key === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'revisions takes a verb: revisions list, or revisions diff KEY')
  const outcome = await context.call(revisionsDiff, { key, from: text(context.values, 'from') })
  const { table, from, to, items } = outcome.result
  const { rowsEqual, rowsChanged, rowsRemoved, rowsAdded } = outcome.counts
  if (!context.json) {
    const sum = `${rowsChanged} rows changed, ${rowsAdded} added, ${rowsRemoved} removed, ${rowsEqual} equal`
    context.out(`${table}: ${key}\n  ${from.slice(0, 12)} → ${to.slice(0, 12)}: ${sum}\n`)
    const shown = (row: unknown) => (row === null ? '–' : JSON.stringify(row))
    for (const { change, before, after } of items.slice(0, SHOWN))
      context.out(`  ${change}\n    before ${shown(before)}\n    after  ${shown(after)}\n`)
  }
  return resultOf(outcome)
}

async function listed(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(revisionsList, {})
  const rows = outcome.result.items.map((one) => [
    one.key,
    one.sha256.slice(0, 12),
    one.verifiedAt,
    one.size,
    one.current ? 'current' : 'replaced',
  ])
  const table = textTable(['object', 'sha256', 'verified', 'bytes', 'state'], rows)
  if (!context.json) context.out(rows.length === 0 ? 'The exchange has not replaced any file.\n' : `${table}\n`)
  return resultOf(outcome)
}
