import { restore as bringBack } from '../../operations/restore.ts'
import { type Command, type CommandContext, resultOf } from '../command.ts'
import { onePlace } from '../place.ts'

export const restore: Command = {
  summary: 'Bring back tables and ledger from a backup: what is missing, unreadable or older',
  operations: ['restore'],
  usage: 'SOURCE [OPTIONS]',
  options: { 'dry-run': { type: 'boolean', help: 'tell what would be brought back' } },
  examples: ['crypto-lakehouse restore /mnt/usb/backups --dry-run'],
  run: async (context: CommandContext) => {
    const dryRun = context.values['dry-run'] === true
    const outcome = await context.call(bringBack, { source: onePlace(context), dryRun })
    if (!context.json) {
      const { madeAt, items } = outcome.result
      const { tablesRestored, tablesLeft, segmentsRestored } = outcome.counts
      for (const { table, restored, reason } of items) if (restored) context.out(`${table}: ${reason}\n`)
      const done = dryRun ? 'would be brought back' : 'brought back'
      context.out(
        `from ${madeAt}: ${tablesRestored} tables and ${segmentsRestored} parts of the ledger ${done}, ${tablesLeft} tables left as they are\n`,
      )
    }
    return resultOf(outcome)
  },
}
