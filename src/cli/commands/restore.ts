import { restore as bringBack } from '../../operations/restore.ts'
import { type Command, type CommandContext, resultOf } from '../command.ts'
import { onePlace } from '../place.ts'

export const restore: Command = {
  summary: 'Restore missing, unreadable or older tables, and the ledger',
  operations: ['restore'],
  usage: 'SOURCE [OPTIONS]',
  options: { 'dry-run': { type: 'boolean', help: 'show what would be restored; write nothing' } },
  examples: ['crypto-lakehouse restore /mnt/usb/backups --dry-run'],
  run: async (context: CommandContext) => {
    const dryRun = context.values['dry-run'] === true
    const outcome = await context.call(bringBack, { source: onePlace(context), dryRun })
    if (!context.json) {
      const { madeAt, items } = outcome.result
      const { tablesRestored, tablesLeft, segmentsRestored } = outcome.counts
      for (const { table, restored, reason } of items) if (restored) context.out(`${table}: ${reason}\n`)
      const done = dryRun ? 'would be restored' : 'restored'
      context.out(
        `backup of ${madeAt}: ${tablesRestored} tables and ${segmentsRestored} segments of the ledger ${done}, ${tablesLeft} tables left unchanged\n`,
      )
    }
    return resultOf(outcome)
  },
}
