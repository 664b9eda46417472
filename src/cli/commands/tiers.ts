import { LakehouseError } from '../../core/errors.ts'
import { lifecycleConfiguration } from '../../lake/tiers/tiers.ts'
import { parseS3Address } from '../../storage/s3/address.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'

export const tiers: Command = {
  summary: 'Move old data files to slower and cheaper places, by the rules of `tiers:`',
  usage: 'move|lifecycle [OPTIONS]',
  options: { 'dry-run': { type: 'boolean', help: 'move: tell what would be moved' } },
  examples: ['crypto-lakehouse tiers move --dry-run', 'crypto-lakehouse tiers lifecycle > lifecycle.json'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb, ...more] = context.args
  if (more.length > 0 || (verb !== 'move' && verb !== 'lifecycle')) throw new LakehouseError('USAGE', 'tiers move, or tiers lifecycle')
  if (verb === 'lifecycle') {
    const { lake, tiers: options } = context.loaded().config
    const rules = lifecycleConfiguration(options, lake.startsWith('s3://') ? parseS3Address(lake).prefix : '')
    if (!context.json) context.out(`${JSON.stringify(rules, undefined, 2)}\n`)
    return { status: 'done', body: { lifecycle: rules } }
  }
  const dryRun = context.values['dry-run'] === true
  const items = await (await context.open()).moveToTiers(dryRun)
  const bytes = items.reduce((sum, one) => sum + one.bytes, 0)
  if (!context.json) {
    if (dryRun) for (const { key, tier } of items) context.out(`${tier.padEnd(8)} ${key}\n`)
    context.out(`${formatCount(items.length)} files (${formatBytes(bytes)}) ${dryRun ? 'would be moved' : 'moved'}\n`)
  }
  return { status: 'done', counts: { filesMoved: items.length, bytesMoved: bytes }, body: { items } }
}
