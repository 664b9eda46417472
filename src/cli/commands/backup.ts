import { formatBytes, formatCount } from '../../core/format.ts'
import { backup as backUp } from '../../operations/backup.ts'
import { type Command, type CommandContext, resultOf } from '../command.ts'
import { onePlace } from '../place.ts'

export const backup: Command = {
  summary: 'Back up table metadata and the ledger; read the copies back',
  operations: ['backup'],
  usage: 'DESTINATION',
  options: {},
  examples: ['crypto-lakehouse backup s3://my-bucket/backups?region=eu-west-1', 'crypto-lakehouse backup /mnt/usb/backups'],
  run: async (context: CommandContext) => {
    const outcome = await context.call(backUp, { destination: onePlace(context) })
    const { objects, bytes, tables } = outcome.counts
    if (!context.json)
      context.out(
        `${outcome.result.folder}: ${formatCount(objects)} objects (${formatBytes(bytes)}) of ${formatCount(tables)} tables copied; every copy was read back\n`,
      )
    return resultOf(outcome)
  },
}
