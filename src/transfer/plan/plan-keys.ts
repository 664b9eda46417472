import { mapConcurrent } from '../../platform/map-concurrent.ts'
import type { Pair } from '../pair.ts'
import { type Collected, type DiffBatch, type DiffOptions, judge } from './diff.ts'

const TOGETHER = 500

/** The difference between two places for the given keys. Requests each key alone, because a listing would return far more objects. */
export async function* planKeys(
  pair: Pair,
  keys: readonly string[],
  options: DiffOptions & { readonly onMissing: (key: string) => void },
): AsyncGenerator<DiffBatch> {
  for (let at = 0; at < keys.length; at += TOGETHER) {
    const batch: Collected = { transfer: [], unchanged: [], extra: [] }
    const ask = async (key: string) => ({ key, source: await pair.source.store.head(key), held: await pair.destination.store.head(key) })
    const together = keys.slice(at, at + TOGETHER)
    for await (const { key, source, held } of mapConcurrent(together, { limit: pair.concurrency, signal: pair.signal }, ask)) {
      if (source === undefined) options.onMissing(key)
      else judge(batch, source, held, options)
    }
    yield batch
  }
}
