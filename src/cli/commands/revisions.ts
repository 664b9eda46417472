import { LakehouseError } from '../../core/errors.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'

/** So many changed rows are handed out. */
const LISTED = 1000

export const revisions: Command = {
  summary: 'Files that the exchange has replaced, and what that changed',
  usage: 'list | diff KEY [OPTIONS]',
  options: {
    from: { type: 'string', value: 'SHA256', help: 'diff: the former revision, by the beginning of its digest (default: the one before)' },
  },
  examples: ['crypto-lakehouse revisions list', `crypto-lakehouse revisions diff ${EXAMPLE.object} --json`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb = 'list', key, ...more] = context.args
  const house = await context.open()
  if (verb === 'list' && key === undefined) {
    const items = await house.withQuality(false, (quality) => quality.revisions())
    if (!context.json) {
      const rows = items.map((one) => [one.key, one.sha256.slice(0, 12), one.verifiedAt, one.size, one.current ? 'current' : 'replaced'])
      context.out(
        rows.length === 0 ? 'No file was replaced.\n' : `${textTable(['object', 'sha256', 'verified', 'bytes', 'state'], rows)}\n`,
      )
    }
    return { status: 'done', counts: { revisions: items.length }, body: { items } }
  }
  if (verb !== 'diff' || key === undefined || more.length > 0) throw new LakehouseError('USAGE', 'revisions list, or revisions diff KEY')
  const found = await house.withQuality(false, (quality) => quality.diffRevisions(key, text(context.values, 'from'), LISTED))
  const { equal, differing, onlyLeft, onlyRight, rows, ...rest } = found
  const counts = { rowsEqual: equal, rowsChanged: differing, rowsRemoved: onlyLeft, rowsAdded: onlyRight }
  const names = { differs: 'changed', 'only left': 'removed', 'only right': 'added' } as const
  const items = rows.map(({ change, left, right }) => ({ change: names[change], before: parse(left), after: parse(right) }))
  if (!context.json) {
    context.out(
      `${found.table}: ${key}\n  ${found.from.slice(0, 12)} → ${found.to.slice(0, 12)}: ${differing} rows changed, ${onlyRight} added, ${onlyLeft} removed, ${equal} equal\n`,
    )
    for (const { change, left, right } of rows.slice(0, 20))
      context.out(`  ${names[change]}\n    before ${left ?? '–'}\n    after  ${right ?? '–'}\n`)
  }
  return { status: differing + onlyLeft + onlyRight > 0 ? 'done_with_findings' : 'done', counts, body: { ...rest, items } }
}

function parse(row: string | null): unknown {
  return row === null ? null : JSON.parse(row)
}
