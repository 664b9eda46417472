import { LakehouseError } from '../../core/errors.ts'
import { formatCount } from '../../core/format.ts'
import { lakeRelocate } from '../../operations/lake-relocate.ts'
import { lakeTag } from '../../operations/lake-tag.ts'
import { type Command, type CommandContext, type CommandResult, resultOf } from '../command.ts'

export const lake: Command = {
  summary: 'Tag all tables together, or put a moved lake right',
  operations: ['lake.relocate', 'lake.tag'],
  usage: 'relocate|tag [NAME] [OPTIONS]',
  options: {},
  examples: ['crypto-lakehouse lake relocate', 'crypto-lakehouse lake tag end-of-year'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb, tag, ...more] = context.args
  if (verb === 'relocate' && tag === undefined) return await relocate(context)
  if (verb === 'tag' && tag !== undefined && more.length === 0) return await tagAll(context, tag)
  throw new LakehouseError('USAGE', 'lake takes one verb: lake relocate, or lake tag NAME')
}

async function relocate(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(lakeRelocate, {})
  const { tables, snapshots } = outcome.counts
  if (!context.json) context.out(`${formatCount(tables)} tables (${formatCount(snapshots)} snapshots) now name this location\n`)
  return resultOf(outcome)
}

async function tagAll(context: CommandContext, tag: string): Promise<CommandResult> {
  const outcome = await context.call(lakeTag, { tag })
  if (!context.json) context.out(`tagged ${formatCount(outcome.counts.tables)} tables: read them together with query "…" --as-of ${tag}\n`)
  return resultOf(outcome)
}
