import { LakehouseError } from '../../core/errors.ts'
import { formatBytes, formatCount } from '../../core/format.ts'
import { tiersLifecycle } from '../../operations/tiers-lifecycle.ts'
import { tiersMove } from '../../operations/tiers-move.ts'
import { type Command, type CommandContext, type CommandResult, resultOf } from '../command.ts'
import { findingLines } from '../findings.ts'

export const tiers: Command = {
  summary: 'Move old data files to slower, cheaper storage (see `tiers:`)',
  operations: ['tiers.move', 'tiers.lifecycle'],
  usage: 'move|lifecycle [OPTIONS]',
  options: { 'dry-run': { type: 'boolean', help: 'move: show what would be moved; move nothing' } },
  examples: ['crypto-lakehouse tiers move --dry-run', 'crypto-lakehouse tiers lifecycle > lifecycle.json'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb, ...more] = context.args
  if (more.length > 0 || (verb !== 'move' && verb !== 'lifecycle'))
    throw new LakehouseError('USAGE', 'tiers takes one verb: tiers move, or tiers lifecycle')
  return await (verb === 'move' ? move(context) : lifecycle(context))
}

async function lifecycle(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(tiersLifecycle, {})
  if (!context.json) context.out(`${JSON.stringify(outcome.result.lifecycle, undefined, 2)}\n`)
  return resultOf(outcome)
}

async function move(context: CommandContext): Promise<CommandResult> {
  const dryRun = context.values['dry-run'] === true
  const outcome = await context.call(tiersMove, { dryRun })
  const { filesMoved, bytesMoved } = outcome.counts
  if (!context.json) {
    if (dryRun) for (const { key, tier } of outcome.result.items) context.out(`${tier.padEnd(8)} ${key}\n`)
    context.out(`${formatCount(filesMoved)} files (${formatBytes(bytesMoved)}) ${dryRun ? 'would be moved' : 'moved'}\n`)
    for (const line of findingLines(outcome.findings ?? [])) context.out(`${line}\n`)
  }
  return resultOf(outcome)
}
