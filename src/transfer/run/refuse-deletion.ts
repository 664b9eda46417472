import { LakehouseError } from '../../core/errors.ts'
import type { Pair } from '../pair.ts'

/** Fewer objects than this may be deleted whatever the source lists. */
const SHRUNK_LEAST = 10

/**
 * Why a run that would make the destination equal to the source deletes nothing, as DELETE_REFUSED, or undefined. `extra` objects are only at the destination; the source lists
 * `listed` objects. Absence is not emptiness: a source that lists nothing, or far less than the destination has, may be one that cannot be seen.
 */
export function refuseDeletion(
  { source, destination }: Pick<Pair, 'source' | 'destination'>,
  extra: number,
  listed: number,
  { maxDelete, minShare }: { readonly maxDelete: number; readonly minShare: number },
): LakehouseError | undefined {
  const refused = (why: string, details: Record<string, number>) =>
    new LakehouseError('DELETE_REFUSED', why, { details: { extra, ...details } })
  if (listed === 0)
    return refused(
      `the source ${source.address} lists no object of the selection, so sync would delete ${extra} objects from the destination: check the source and the filters`,
      {},
    )
  if (extra >= SHRUNK_LEAST && listed < minShare * (listed + extra))
    return refused(
      `the source lists ${listed} objects, and ${extra} objects of the destination are not among them: the source has shrunk to less than ${minShare * 100} %; check it, then lower --min-share`,
      { listed, minShare },
    )
  if (extra > maxDelete)
    return refused(
      `sync would delete ${extra} objects from ${destination.address}, but at most ${maxDelete} are allowed: check with --dry-run, then raise --max-delete`,
      { maxDelete },
    )
  return undefined
}
