import { LakehouseError } from '../../core/errors.ts'
import { formatCount } from '../../core/format.ts'
import { lakeRelocate } from '../../operations/lake-relocate.ts'
import { lakeRepair } from '../../operations/lake-repair.ts'
import { lakeTag } from '../../operations/lake-tag.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { findingLines } from '../findings.ts'

export const lake: Command = {
  summary: 'Tag all tables together; repair or relocate a lake',
  operations: ['lake.relocate', 'lake.repair', 'lake.tag'],
  usage: 'relocate|repair|tag [NAME] [OPTIONS]',
  options: {
    from: { type: 'string', value: 'ADDRESS', help: 'repair: a backup, or a copy of the lake' },
    archive: { type: 'string', value: 'URL|DIR', help: 'repair: address of the archive (default: the public site)' },
    'dry-run': { type: 'boolean', help: 'repair: show what is damaged; change nothing' },
  },
  examples: [
    'crypto-lakehouse lake relocate',
    'crypto-lakehouse lake tag end-of-year',
    'crypto-lakehouse lake repair --from /mnt/usb/backups',
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb, tag, ...more] = context.args
  if (verb === 'relocate' && tag === undefined) return await relocate(context)
  if (verb === 'tag' && tag !== undefined && more.length === 0) return await tagAll(context, tag)
  if (verb === 'repair' && tag === undefined) return await repair(context)
  throw new LakehouseError('USAGE', 'lake takes one verb: lake relocate, lake repair, or lake tag NAME')
}

async function relocate(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(lakeRelocate, {})
  const { tables, snapshots } = outcome.counts
  if (!context.json) context.out(`${formatCount(tables)} tables (${formatCount(snapshots)} snapshots) now name this location\n`)
  return resultOf(outcome)
}

async function repair(context: CommandContext): Promise<CommandResult> {
  const { values } = context
  const dryRun = values['dry-run'] === true
  const outcome = await context.call(lakeRepair, { from: text(values, 'from'), archive: text(values, 'archive'), dryRun })
  const { items } = outcome.result
  if (!context.json) {
    const rows = items.map((item) => [item.outcome, item.kind, item.problem, item.source ?? '', item.key])
    const { filesDamaged, filesRepaired, filesLost } = outcome.counts
    const sum = dryRun ? `${filesDamaged} damaged files` : `${filesRepaired} of ${filesDamaged} damaged files repaired, ${filesLost} lost`
    context.out(
      items.length === 0
        ? 'every file is as it was written\n'
        : `${textTable(['outcome', 'kind', 'problem', 'source', 'file'], rows)}\n${sum}\n`,
    )
    for (const line of findingLines(outcome.findings ?? [])) context.out(`${line}\n`)
  }
  return resultOf(outcome)
}

async function tagAll(context: CommandContext, tag: string): Promise<CommandResult> {
  const outcome = await context.call(lakeTag, { tag })
  if (!context.json) context.out(`tagged ${formatCount(outcome.counts.tables)} tables: read them together with query "…" --as-of ${tag}\n`)
  return resultOf(outcome)
}
