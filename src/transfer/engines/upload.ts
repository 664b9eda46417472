import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { abortUpload, completeUpload, createUpload, type Part } from '../../storage/s3/operations.ts'
import type { BucketKey, Pair } from '../pair.ts'
import { partBytesFor } from '../run/tuning.ts'
import type { Written } from './proof.ts'

/** The most bytes that one CopyObject request copies. */
export const COPY_LIMIT = 5 * 2 ** 30

/** The minimum part size in bytes; only the last part may be smaller. */
export const PART_LEAST = 5 << 20

type PartRange = { readonly number: number; readonly start: number; readonly end: number }

/** The parts of an object: at most 10,000, of equal size except for the last. */
function partRanges(size: number, partBytes: number): PartRange[] {
  const step = Math.max(partBytes, Math.ceil(size / 10_000))
  return Array.from({ length: Math.max(1, Math.ceil(size / step)) }, (_, index) => ({
    number: index + 1,
    start: index * step,
    end: Math.min(size, (index + 1) * step),
  }))
}

/** Writes an object in parts, several at the same time, each with `send`. Completes the upload, or aborts it after an error. */
export async function inUpload(
  to: BucketKey,
  headers: Readonly<Record<string, string>>,
  size: number,
  { pair, atOnce }: { pair: Pair; atOnce: number },
  send: (uploadId: string, range: PartRange) => Promise<Part>,
): Promise<Written> {
  const uploadId = await createUpload(to.client, to.key, headers)
  try {
    const parts: Part[] = []
    const ranges = partRanges(size, Math.max(pair.partBytes ?? partBytesFor(size), PART_LEAST))
    for await (const part of mapConcurrent(ranges, { limit: atOnce, signal: pair.signal }, (range) => send(uploadId, range)))
      parts.push(part)
    parts.sort((a, b) => a.number - b.number)
    return { etag: await completeUpload(to.client, to.key, uploadId, parts) }
  } catch (error) {
    await abortUpload(to.client, to.key, uploadId).catch(() => {}) // the next run aborts uploads that are left
    throw error
  }
}
