import { printable } from '../core/printable.ts'
import { mapConcurrent } from '../platform/map-concurrent.ts'
import { digestOfObject } from '../storage/digests.ts'
import type { ObjectInfo } from '../storage/object-store.ts'
import type { Place } from '../storage/place.ts'
import type { KnownCopy } from './plan/compare.ts'
import { diffPlaces, requireSource } from './plan/diff-places.ts'

export type Difference = {
  readonly key: string
  readonly difference: 'missing' | 'different' | 'extra'
  readonly explanation: string
}

export type VerifyCounts = {
  objectsCompared: number
  objectsMissing: number
  objectsDifferent: number
  objectsExtra: number
  bytesRead: number
}

export type VerifyOptions = {
  readonly known: ReadonlyMap<string, KnownCopy>
  readonly includes: (key: string) => boolean
  /** Reads every object on both sides and compares digests, instead of comparing the listings. */
  readonly full: boolean
  readonly parallel: number
  readonly prefixes: readonly string[]
  readonly concurrency: number
  readonly signal: AbortSignal
  readonly onDifference: (difference: Difference) => void
  /** Called when a listing is out of order: the differences reported so far are not valid. */
  readonly onRestart: () => void
}

const NOTHING: VerifyCounts = { objectsCompared: 0, objectsMissing: 0, objectsDifferent: 0, objectsExtra: 0, bytesRead: 0 }

/** Compares a destination with a source, whatever tool copied it, and reports missing, different and extra objects. */
export async function verifyPlaces(source: Place, destination: Place, options: VerifyOptions): Promise<VerifyCounts> {
  requireSource(source)
  const counts = { ...NOTHING }
  const restart = () => {
    Object.assign(counts, NOTHING)
    options.onRestart()
  }
  const differ = (key: string, difference: Difference['difference'], explanation: string) => {
    if (difference === 'missing') counts.objectsMissing++
    else if (difference === 'different') counts.objectsDifferent++
    else counts.objectsExtra++
    options.onDifference({ key, difference, explanation })
  }
  for await (const { transfer, unchanged, extra } of diffPlaces(source, destination, { ...options, incremental: true, restart })) {
    counts.objectsCompared += transfer.length + unchanged.length
    for (const { key, size } of extra) differ(key, 'extra', `only the destination has it (${size} bytes)`)
    const present: ObjectInfo[] = [...unchanged]
    for (const object of transfer) {
      if (object.reason === 'new') differ(object.key, 'missing', `the destination does not have it (${object.size} bytes)`)
      else if (object.reason !== 'size' && options.full) present.push(object)
      else differ(object.key, 'different', EXPLANATIONS[object.reason])
    }
    if (options.full) await rereadAll(source, destination, present, options, counts, differ)
  }
  for (const key of source.store.leftOut?.() ?? [])
    differ(printable(key), 'missing', 'the source has an entry that is not a regular file, or whose name is not UTF-8')
  return counts
}

const EXPLANATIONS = {
  size: 'the sizes differ',
  etag: 'the ETags differ, and both are digests of the bytes',
  time: 'the source is newer, and the ETags cannot show whether the bytes are equal',
} as const

async function rereadAll(
  source: Place,
  destination: Place,
  objects: readonly ObjectInfo[],
  options: VerifyOptions,
  counts: VerifyCounts,
  differ: (key: string, difference: Difference['difference'], explanation: string) => void,
): Promise<void> {
  const read = async (object: ObjectInfo) => {
    const [one, other] = await Promise.all([digestOfObject(source.store, object.key), digestOfObject(destination.store, object.key)])
    counts.bytesRead += 2 * object.size
    if (one !== other) differ(object.key, 'different', `the SHA-256 is ${one} in the source and ${other} in the destination`)
  }
  for await (const _ of mapConcurrent(objects, { limit: options.concurrency, signal: options.signal }, read));
}
