import { randomBytes } from 'node:crypto'
import type { Place } from '../../storage/place.ts'
import { listPages } from '../plan/list-pages.ts'
import type { Efficiency } from './report.ts'

/** The measured cost of copying the same objects the chosen way and the traditional way. */
export type Comparison = {
  readonly objects: number
  readonly bytes: number
  readonly chosen: Efficiency
  readonly traditional: Efficiency
  /** chosen / traditional */
  readonly wallRatio: number
  readonly cpuRatio: number
}

/** The first objects of a place that match a filter, as a sample for a comparison. */
export async function sampleKeys(
  source: Place,
  options: { prefixes: readonly string[]; includes: (key: string) => boolean; objects: number },
): Promise<{ keys: string[]; bytes: number }> {
  const keys: string[] = []
  let bytes = 0
  for await (const page of listPages(source, { parallel: 1, prefixes: options.prefixes })) {
    for (const { key, size } of page) {
      if (!options.includes(key) || keys.length >= options.objects) continue
      keys.push(key)
      bytes += size
    }
    if (keys.length >= options.objects) break
  }
  return { keys, bytes }
}

/** A new address below another, which nothing else uses. */
export function placeBelow(address: string, way: string): string {
  const [place = '', query] = address.split('?')
  return `${place.replace(/\/$/, '')}/.compare-${randomBytes(4).toString('hex')}-${way}/${query === undefined ? '' : `?${query}`}`
}

/** Removes the objects that a comparison has written. */
export async function emptyPlace(place: Place): Promise<void> {
  for await (const { key } of place.store.list('')) await place.store.delete(key)
}
