import { LakehouseError } from '../core/errors.ts'
import type { CommandContext } from './command.ts'

/** The one place that the arguments name. Throws USAGE. */
export function onePlace(context: CommandContext): string {
  const [place, ...more] = context.args
  if (place === undefined || more.length > 0) throw new LakehouseError('USAGE', 'one place is expected: a directory, s3://… or NAME:prefix')
  return place
}
