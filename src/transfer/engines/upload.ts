import { abortUpload, completeUpload, createUpload, type ObjectHead, type Part } from '../../storage/s3/operations.ts'
import type { BucketKey } from '../pair.ts'
import type { Written } from './proof.ts'

/** Parts other than the last must not be smaller. */
export const PART_LEAST = 5 << 20

export type PartRange = { readonly number: number; readonly start: number; readonly end: number }

/** The parts of an object: at most 10,000, all but the last of equal size. */
export function partRanges(size: number, partBytes: number): PartRange[] {
  const step = Math.max(partBytes, Math.ceil(size / 10_000))
  return Array.from({ length: Math.max(1, Math.ceil(size / step)) }, (_, index) => ({
    number: index + 1,
    start: index * step,
    end: Math.min(size, (index + 1) * step),
  }))
}

/** Runs `send` within an upload in parts: its parts become the object, or the upload is given up. */
export async function inUpload(
  to: BucketKey,
  headers: Readonly<Record<string, string>>,
  send: (uploadId: string) => Promise<Part[]>,
): Promise<Written> {
  const uploadId = await createUpload(to.client, to.key, headers)
  try {
    const parts = await send(uploadId)
    parts.sort((a, b) => a.number - b.number)
    return { etag: await completeUpload(to.client, to.key, uploadId, parts) }
  } catch (error) {
    await abortUpload(to.client, to.key, uploadId).catch(() => {}) // what stays is swept by the next run
    throw error
  }
}

/** What an object carries besides its bytes, as the headers that write it. */
export function carriedHeaders(head: Pick<ObjectHead, 'contentType' | 'metadata'>): Record<string, string> {
  return { ...head.metadata, ...(head.contentType === undefined ? {} : { 'content-type': head.contentType }) }
}
