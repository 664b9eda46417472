import { LakehouseError } from '../../core/errors.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'

export const backup: Command = {
  summary: 'Copy the tables’ metadata and the ledger to another place, and read the copies back',
  usage: 'DESTINATION',
  options: {},
  examples: ['crypto-lakehouse backup s3://my-bucket/backups?region=eu-west-1', 'crypto-lakehouse backup /mnt/usb/backups'],
  run: async (context) => {
    const { folder, counts } = await (await context.open()).backUp(placeOf(context))
    if (!context.json)
      context.out(
        `${folder}: ${formatCount(counts.objects)} objects (${formatBytes(counts.bytes)}) of ${formatCount(counts.tables)} tables, each read back\n`,
      )
    return { status: 'done', counts, body: { folder } }
  },
}

export const restore: Command = {
  summary: 'Bring back tables and ledger from a backup: what is missing, unreadable or older',
  usage: 'SOURCE [OPTIONS]',
  options: { 'dry-run': { type: 'boolean', help: 'tell what would be brought back' } },
  examples: ['crypto-lakehouse restore /mnt/usb/backups --dry-run'],
  run: runRestore,
}

async function runRestore(context: CommandContext): Promise<CommandResult> {
  const dryRun = context.values['dry-run'] === true
  const { madeAt, outcomes, segments } = await (await context.open()).restore(placeOf(context), dryRun)
  const restored = outcomes.filter((one) => one.restored)
  if (!context.json) {
    for (const { table, reason } of restored) context.out(`${table}: ${reason}\n`)
    const done = dryRun ? 'would be brought back' : 'brought back'
    context.out(
      `from ${madeAt}: ${restored.length} tables and ${segments} parts of the ledger ${done}, ${outcomes.length - restored.length} tables left as they are\n`,
    )
  }
  return {
    status: 'done',
    counts: { tablesRestored: restored.length, tablesLeft: outcomes.length - restored.length, segmentsRestored: segments },
    body: { madeAt, items: outcomes },
  }
}

function placeOf(context: CommandContext): string {
  const [place, ...more] = context.args
  if (place === undefined || more.length > 0) throw new LakehouseError('USAGE', 'one place is expected: a directory, s3://… or NAME:prefix')
  return place
}
