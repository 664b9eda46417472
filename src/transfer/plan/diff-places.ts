import { statSync } from 'node:fs'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { Place } from '../../storage/place.ts'
import { type DiffBatch, type DiffOptions, diffPages, diffUnordered } from './diff.ts'
import { type ListingOptions, listPages, listUnordered } from './list-pages.ts'

/**
 * The difference between two places. When a listing is not in the order of bytes, it calls `restart` and yields everything again,
 * with the listing of the destination in memory.
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

/** Checks that the source exists: a missing folder would list as empty. Throws SOURCE_NOT_FOUND. */
export function requireSource({ address, store, s3 }: Place): void {
  const [folder = ''] = store.files.folders
  if (s3 !== undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw new LakehouseError('SOURCE_NOT_FOUND', `the source folder ${folder} does not exist: check the path, and that its disk is mounted`, {
    details: { source: address },
  })
}
