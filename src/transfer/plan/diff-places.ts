import { statSync } from 'node:fs'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { Place } from '../../storage/place.ts'
import { type DiffBatch, type DiffOptions, diffPages, diffUnordered } from './diff.ts'
import { type ListingOptions, listPages, listUnordered } from './list-pages.ts'

/**
 * The difference of two places. Where one of them does not list in the order of bytes, that shows on the way: `restart` is called, and all is told again
 * with the destination held in memory.
 */
export async function* diffPlaces(
  source: Place,
  destination: Place,
  options: DiffOptions & ListingOptions & { readonly restart: () => void },
): AsyncGenerator<DiffBatch> {
  try {
    yield* diffPages(listPages(source, options), listPages(destination, options), options)
  } catch (error) {
    if (asLakehouseError(error).details['disordered'] !== true) throw error
    options.restart()
    yield* diffUnordered(listUnordered(source, options.prefixes), listUnordered(destination, options.prefixes), options)
  }
}

/** A folder that is missing lists as if it were empty: nothing may be concluded from that. Throws SOURCE_NOT_FOUND. */
export function requireSource({ address, store, s3 }: Place): void {
  const [folder = ''] = store.files.folders
  if (s3 !== undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw new LakehouseError('SOURCE_NOT_FOUND', `there is no folder ${folder}: check the path and that its disk is mounted`, {
    details: { source: address },
  })
}
