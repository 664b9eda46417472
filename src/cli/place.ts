import { LakehouseError } from '../core/errors.ts'
import type { CommandContext } from './command.ts'

/** The one address that the arguments name. Throws USAGE. */
export function onePlace(context: CommandContext): string {
  const [place, ...more] = context.args
  if (place === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'the command takes exactly one address: a directory, s3://… or NAME:prefix')
  return place
}
