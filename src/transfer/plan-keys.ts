import { mapConcurrent } from '../platform/map-concurrent.ts'
import type { ObjectInfo } from '../storage/object-store.ts'
import { compareObjects } from './compare.ts'
import type { DiffBatch, DiffOptions } from './diff.ts'
import type { Pair } from './pair.ts'

const TOGETHER = 500

/** The difference of two places for given keys, which are asked for one by one: for a choice of objects, where a listing would tell of far more. */
export async function* planKeys(
  pair: Pair,
  keys: readonly string[],
  options: DiffOptions & { readonly onMissing: (key: string) => void },
): AsyncGenerator<DiffBatch> {
  for (let at = 0; at < keys.length; at += TOGETHER) {
    const batch = { transfer: [] as DiffBatch['transfer'][number][], unchanged: [] as ObjectInfo[], extra: [] }
    const ask = async (key: string) => ({ key, source: await pair.source.store.head(key), held: await pair.destination.store.head(key) })
    for await (const { key, source, held } of mapConcurrent(
      keys.slice(at, at + TOGETHER),
      { limit: pair.concurrency, signal: pair.signal },
      ask,
    )) {
      if (source === undefined) options.onMissing(key)
      else if (held === undefined) batch.transfer.push({ ...source, reason: 'new', replaces: undefined })
      else {
        const verdict = options.incremental ? compareObjects(source, held, options.known.get(key)) : 'time'
        if (verdict === 'unchanged') batch.unchanged.push(source)
        else batch.transfer.push({ ...source, reason: verdict, replaces: held.etag })
      }
    }
    yield batch
  }
}
